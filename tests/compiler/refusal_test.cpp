// SPDX-License-Identifier: Apache-2.0
// What cannot work in an extension is refused, with a sentence that says what to use instead.
#include "run_driver.h"

namespace vbpf::test {
namespace {

struct Case {
  const char *name, *code, *sentence;
};

class RefusalTest : public DriverTest, public testing::WithParamInterface<Case> {};

TEST_P(RefusalTest, SaysWhatToUseInstead) {
  write("a.cpp", GetParam().code);
  refuse("-O2 a.cpp -o ext.o", GetParam().sentence);
  EXPECT_FALSE(exists("ext.o"));
}

#define ENTRY "#include <vbpf/plugin.h>\nVBPF_PLUGIN_ENTRY uint64_t run(uint64_t x) "
constexpr Case kCases[] = {
    {"iostream", "#include <iostream>\n",
     "<iostream> is not available in an extension: extensions have no streams; use vbpf::log()"},
    {"fstream", "#include <fstream>\n", "extensions have no files"},
    {"sstream", "#include <sstream>\n", "std::to_chars or vbpf::format_to()"},
    {"thread", "#include <thread>\n", "extensions have no threads; the engine runs one instance per CPU or queue"},
    {"mutex", "#include <mutex>\n", "a shared instance uses std::atomic"},
    {"condition_variable", "#include <condition_variable>\n", "extensions have no threads"},
    {"future", "#include <future>\n", "extensions have no threads"},
    {"filesystem", "#include <filesystem>\n", "compile tables into the extension"},
    {"locale", "#include <locale>\n", "use <charconv>"},
    {"regex", "#include <regex>\n", "<regex> is not available"},
    {"format", "#include <format>\n", "use vbpf::format_to()"},
    {"memory_resource", "#include <memory_resource>\n", "use std::allocator"},
    {"throw", ENTRY "{ throw x; }", "cannot use 'throw' with exceptions disabled"},
    {"try", ENTRY "{ try { return x; } catch (...) { return 1; } }", "cannot use 'try' with exceptions disabled"},
    {"dynamic_cast", "struct A { virtual ~A(); }; struct B : A {}; B* f(A* a) { return dynamic_cast<B*>(a); }",
     "use of dynamic_cast requires -frtti"},
    {"printf", "#include <stdio.h>\n" ENTRY "{ printf(\"%d\", (int)x); return 0; }",
     "a.cpp: undefined symbol 'printf': extensions have no files and no terminal: use vbpf::log()"},
    {"puts", "#include <stdio.h>\n" ENTRY "{ puts(\"\"); return x; }", "use vbpf::log()"},
    {"snprintf", "#include <stdio.h>\n" ENTRY "{ char b[9]; return snprintf(b, 9, \"%d\", (int)x); }",
     "'snprintf': use vbpf::format_to()"},
    {"fopen", "#include <stdio.h>\n" ENTRY "{ return fopen(\"x\", \"r\") != nullptr; }", "extensions have no files"},
    {"pthread", "#include <pthread.h>\n" ENTRY "{ return pthread_self(); }",
     "'pthread_self': extensions have no threads"},
    {"exit", "#include <stdlib.h>\n" ENTRY "{ exit(1); }", "return from the entry, or call abort()"},
    {"system", "#include <stdlib.h>\n" ENTRY "{ return system(\"x\"); }", "an extension cannot start programs"},
    {"socket", "#include <sys/socket.h>\n" ENTRY "{ return socket(1, 2, 3); }", "a packet is passed on by the verdict"},
    {"syscall", "#include <unistd.h>\n" ENTRY "{ return syscall(1); }", "extensions cannot make system calls"},
    {"time", "#include <time.h>\n" ENTRY "{ return time(nullptr); }", "there is no wall clock: use vbpf::time_ns()"},
    {"system_clock",
     "#include <chrono>\n" ENTRY "{ return std::chrono::system_clock::now().time_since_epoch().count(); }",
     "there is no wall clock"},
    {"thread_local", "thread_local int t;\n" ENTRY "{ return t += (int)x; }", "thread_local is not available"},
    {"setjmp", "#include <setjmp.h>\njmp_buf b;\n" ENTRY "{ return setjmp(b); }", "return an error value"},
    {"sin", "#include <math.h>\n" ENTRY "{ return (uint64_t)sin((double)x); }", "is not in the extension runtime"},
    {"atomic_wait", "#include <atomic>\nstd::atomic<int> a;\n" ENTRY "{ a.wait((int)x); return 0; }",
     "waiting is not available"},
    {"own_function", "struct S { int method(long); };\n" ENTRY "{ S s; return s.method(x); }",
     "a.cpp: undefined symbol 'S::method(long)': not defined in any input"},
    {"format_placeholders", "#include <vbpf/vbpf.hpp>\nvoid f() { vbpf::log(\"{} {}\", 1); }",
     "format_string_does_not_have_one_placeholder_per_argument"},
    {"format_malformed", "#include <vbpf/vbpf.hpp>\nvoid f() { vbpf::log(\"{:q}\", 1); }",
     "format_string_is_malformed"},
};

INSTANTIATE_TEST_SUITE_P(Compiler, RefusalTest, testing::ValuesIn(kCases),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace vbpf::test
