// SPDX-License-Identifier: Apache-2.0
// Ordinary compiler habits.
#include "run_driver.h"

namespace vbpf::test {
namespace {

using verifier::Variant;

constexpr const char* kEntry =
    "#include <vbpf/xdp.h>\n"
    "VBPF_XDP_ENTRY(pass)(vbpf_xdp*) { return XDP_PASS; }\n";

TEST_F(DriverTest, OneSourceMakesAllVariants) {
  write("a.cpp", kEntry);
  build("-O2 a.cpp -o ext.o");
  EXPECT_EQ(verify("ext.o", Variant::user), "ok");
  EXPECT_EQ(verify("ext.o", Variant::sfi), "ok");
  EXPECT_EQ(verify("ext.o", Variant::kernel), "ok");
  EXPECT_EQ(shell(folder, "llvm-readelf-19 -S ext.o").output.find("vbpf.missing"), std::string::npos);
}

TEST_F(DriverTest, EveryOptimisationLevelAndDebugInformation) {
  write("a.cpp", kEntry);
  for (const char* options : {"-O0", "-O1", "-O2", "-O3", "-Os", "-Oz", "-O0 -g", "-O2 -g3", "-O2 -march=x86-64-v3",
                              "-O2 -march=x86-64-v4"}) {
    build(std::string(options) + " a.cpp -o ext.o");
    EXPECT_EQ(verify("ext.o", Variant::user), "ok") << options;
    EXPECT_EQ(verify("ext.o", Variant::sfi), "ok") << options;
    EXPECT_EQ(verify("ext.o", Variant::kernel), "ok") << options;
  }
}

TEST_F(DriverTest, IncludeDefineAndLanguageOptions) {
  write("sub.h", "#define VERDICT XDP_DROP\n");
  write("a.c",
        "#include <vbpf/xdp.h>\n#include \"sub.h\"\n_Static_assert(FOO == 7, \"\");\nVBPF_XDP_ENTRY(f)(struct vbpf_xdp "
        "*c) { (void)c; return VERDICT; }\n");
  build("-std=c11 -Wall -Wextra -Werror -I . -DFOO=7 a.c -o ext.o");
  EXPECT_EQ(verify("ext.o", Variant::sfi), "ok");
  write("odd.txt", kEntry);
  build("-x c++ odd.txt -o odd.o");
  EXPECT_EQ(shell(folder, "cat odd.txt | " VBPF_DRIVER " -x c++ - -o piped.o").code, 0);
  EXPECT_EQ(verify("piped.o", Variant::sfi), "ok");
  EXPECT_EQ(verify("piped.o", Variant::kernel), "ok");
}

TEST_F(DriverTest, ErrorsAndWarningsAreClangsOwnAndComeOnce) {
  write("bad.cpp", "int f() { return undeclared; }\nint g() { int unused; }\n");
  Outcome ours = driver("-Wall bad.cpp -o bad.o");
  Outcome clang = shell(folder, "clang-19 -std=c++20 -Wall -c bad.cpp -o /dev/null");
  EXPECT_EQ(ours.output, clang.output);
  EXPECT_EQ(ours.code, clang.code);
  EXPECT_FALSE(exists("bad.o"));
  write("warn.cpp", std::string(kEntry) + "static int unused() { return 1; }\n");
  ours = driver("-Wall warn.cpp -o warn.o");
  clang = shell(folder, "clang-19 -std=c++20 -Wall -c warn.cpp -o /dev/null -isystem $(dirname " VBPF_DRIVER
                        ")/../share/vbpf/sdk/include");
  EXPECT_EQ(ours.code, 0);
  EXPECT_EQ(ours.output, clang.output);
}

TEST_F(DriverTest, DependencyFiles) {
  write("h.h", "\n");
  write("a.cpp", std::string("#include \"h.h\"\n") + kEntry);
  write("b.cpp", "#include \"h.h\"\nint g;\n");
  build("-MMD a.cpp -c -o out.o");
  EXPECT_EQ(read("out.d"), "out.o: a.cpp h.h\n");
  build("-MD -MF x.dep -MT target a.cpp -c -o out.o");
  EXPECT_EQ(read("x.dep").substr(0, 14), "target: a.cpp ");
  build("-MMD -MF both.d a.cpp b.cpp -o both.o");
  EXPECT_NE(read("both.d").find("both.o: a.cpp h.h"), std::string::npos);
  EXPECT_NE(read("both.d").find("both.o: b.cpp h.h"), std::string::npos);
  EXPECT_EQ(driver("-MM a.cpp").output, "a.o: a.cpp h.h\n");
}

TEST_F(DriverTest, PreprocessAssemblyAndQueries) {
  write("a.cpp", kEntry);
  EXPECT_NE(driver("-E a.cpp").output.find("int pass(vbpf_xdp*)"), std::string::npos);
  build("-O2 -S a.cpp");
  EXPECT_NE(read("a.s").find("__x86_return_thunk"), std::string::npos);
  write("load.cpp", "int load(int *p) { return p[3]; }\n");
  build("-O2 -S --variant=sfi load.cpp -o load.sfi.s");
  EXPECT_NE(read("load.sfi.s").find("%gs:12(%edi)"), std::string::npos);
  build("-fsyntax-only a.cpp");
  EXPECT_NE(driver("--version").output.find("vbpf-clang++ "), std::string::npos);
  EXPECT_NE(driver("--version").output.find("clang version 19"), std::string::npos);
  EXPECT_NE(driver("--help").output.find("--variant="), std::string::npos);
  EXPECT_NE(driver("-print-resource-dir").output.find("clang/19"), std::string::npos);
}

TEST_F(DriverTest, ShowsItsCommands) {
  write("a.cpp", kEntry);
  Outcome shown = driver("-### a.cpp -o ext.o");
  EXPECT_EQ(shown.code, 0);
  EXPECT_NE(shown.output.find("-mfunction-return=thunk-extern"), std::string::npos);
  EXPECT_NE(shown.output.find("ld.lld-19"), std::string::npos);
  EXPECT_FALSE(exists("ext.o"));
  EXPECT_NE(driver("-v a.cpp -o ext.o").output.find("llvm-objcopy-19"), std::string::npos);
  EXPECT_TRUE(exists("ext.o"));
}

TEST_F(DriverTest, BadCommandLines) {
  write("a.cpp", kEntry);
  refuse("", "no input files");
  refuse("a.cpp -o", "option '-o' needs a value");
  refuse("missing.cpp -o x.o", "no such file or directory: 'missing.cpp'");
  refuse("missing.o -o x.o", "'missing.o': No such file or directory");
  refuse("a.cpp a.cpp -c -o x.o", "-o cannot name the output of several inputs");
  refuse("a.unknown", "the kind of this file is unknown");
  refuse("a.cpp -lfoo", "an extension links no libraries");
  refuse("a.cpp -flto", "compile without -flto");
  refuse("a.cpp -shared", "not a shared library");
  refuse("a.cpp -fexceptions", "extensions have no exceptions");
  refuse("a.cpp --variant=arm", "unknown variant 'arm'");
  refuse("a.cpp --emit-variant=user,kernel", "--emit-variant takes one variant");
  refuse("a.cpp --no-such-option", "unknown argument: '--no-such-option'");
  refuse("a.cpp -o /nonexistent/folder/x.o", "/nonexistent/folder/x.o");
  write("text.o", "this is no object");
  refuse("text.o -o x.o", "not an ELF64 relocatable object");
}

TEST_F(DriverTest, ParallelInvocationsDoNotMeet) {
  write("a.cpp", kEntry);
  Outcome outcome = shell(folder, "for i in 1 2 3 4 5 6; do " VBPF_DRIVER
                                  " -O2 a.cpp -o p$i.o & done; wait; cmp p1.o p2.o && cmp p1.o p6.o");
  EXPECT_EQ(outcome.output, "");
  EXPECT_EQ(verify("p6.o", Variant::sfi), "ok");
}

TEST_F(DriverTest, LeavesNoTemporaryFilesAlsoWhenInterrupted) {
  write("a.cpp", kEntry);
  write("slow.cpp",
        "template <int N> struct F { static constexpr int v = F<N - 1>::v + F<N - 2>::v; };\n"
        "constexpr int f(int n) { return n < 2 ? n : f(n - 1) + f(n - 2); }\nstatic_assert(f(45) > 0);\n");
  ASSERT_EQ(shell(folder, "mkdir tmp && TMPDIR=$PWD/tmp " VBPF_DRIVER " a.cpp -o a.o").code, 0);
  EXPECT_EQ(shell(folder, "ls tmp").output, "");
  for (const char* signal : {"INT", "TERM"}) {
    // Wait until the compiler's folder is there, so that the signal finds it at work. (A shell starts background jobs
    // with SIGINT ignored: setting it back is Perl's work.)
    Outcome outcome =
        shell(folder, std::string("export TMPDIR=$PWD/tmp; perl -e '$SIG{INT}=\"DEFAULT\"; exec @ARGV' " VBPF_DRIVER
                                  " -fconstexpr-steps=2000000000 slow.cpp -o slow.o & p=$!; "
                                  "for i in $(seq 100); do ls tmp | grep -q . && break; sleep 0.05; done; "
                                  "ls tmp | grep -c vbpf-clang; kill -") +
                          signal + " $p; { wait $p; } 2>/dev/null; echo $?; ls tmp");
    EXPECT_EQ(outcome.output, std::string("1\n") + (signal == std::string("INT") ? "130" : "143") + "\n");
  }
}

}  // namespace
}  // namespace vbpf::test
