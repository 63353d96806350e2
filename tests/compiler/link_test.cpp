// SPDX-License-Identifier: Apache-2.0
// Several inputs, and the variants of each.
#include "run_driver.h"

namespace vbpf::test {
namespace {

using verifier::Variant;

constexpr const char* kMain =
    "#include <vbpf/plugin.h>\n"
    "int helper(int);\n"
    "VBPF_PLUGIN_ENTRY uint64_t run(uint64_t x) { return helper((int)x); }\n";
constexpr const char* kHelper = "#include <string>\nint helper(int x) { return std::to_string(x).size(); }\n";

class LinkTest : public DriverTest {
 protected:
  void SetUp() override {
    DriverTest::SetUp();
    write("a.cpp", kMain);
    write("b.cpp", kHelper);
  }
  std::string sections(const std::string& object) const {
    return shell(folder, "llvm-readelf-19 -S -W " + object).output;
  }
  // The text of a section.
  std::string text(const std::string& object, const std::string& section) const {
    return shell(folder, "llvm-objcopy-19 --dump-section " + section + "=/dev/stdout " + object + " /dev/null").output;
  }
};

TEST_F(LinkTest, SeveralSourcesAtOnceAndOneByOne) {
  build("-O2 a.cpp b.cpp -o ext.o");
  build("-O2 -c a.cpp b.cpp");
  build("a.o b.o -o later.o");
  build("a.o b.cpp -O2 -o mixed.o");
  for (const char* object : {"ext.o", "later.o", "mixed.o"}) {
    EXPECT_EQ(verify(object, Variant::user), "ok") << object;
    EXPECT_EQ(verify(object, Variant::sfi), "ok") << object;
    EXPECT_EQ(verify(object, Variant::kernel), "ok") << object;
  }
}

TEST_F(LinkTest, PlainClangObjectsHaveTheUserVariantOnly) {
  write("plain.c", "int helper(int x) { return x + 1; }\n");
  ASSERT_EQ(shell(folder,
                  "clang-19 -c -O2 -fpie -mretpoline-external-thunk -mfunction-return=thunk-extern -mno-red-zone "
                  "-fno-exceptions -fno-asynchronous-unwind-tables plain.c")
                .code,
            0);
  write("a.cpp",
        "#include <vbpf/plugin.h>\nextern \"C\" int helper(int);\nVBPF_PLUGIN_ENTRY uint64_t run(uint64_t x) { return "
        "helper((int)x); }\n");
  Outcome outcome = driver("a.cpp plain.o -o ext.o");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.output,
            "vbpf-clang++: warning: left out variant 'sfi': plain.o was not made by vbpf-clang++: compile it with "
            "vbpf-clang++ -c\n"
            "vbpf-clang++: warning: left out variant 'kernel': plain.o was not made by vbpf-clang++: compile it with "
            "vbpf-clang++ -c\n");
  EXPECT_EQ(verify("ext.o", Variant::user), "ok");
  EXPECT_NE(verify("ext.o", Variant::sfi).find("plain.o was not made by vbpf-clang++"), std::string::npos);
}

TEST_F(LinkTest, AssemblyIsNotForSfi) {
  write("c.s", ".globl twice\ntwice: lea (%rdi,%rdi),%rax\n jmp __x86_return_thunk\n");
  write("d.S", "#define N 5\n.globl five\nfive: mov $N,%eax\n jmp __x86_return_thunk\n");
  write("e.cpp",
        "#include <vbpf/plugin.h>\nextern \"C\" long twice(long), five();\nVBPF_PLUGIN_ENTRY uint64_t run(uint64_t x) "
        "{ return twice(x) + five(); }\n");
  Outcome outcome = driver("-O2 c.s d.S e.cpp -o ext.o");
  EXPECT_EQ(outcome.code, 0) << outcome.output;
  EXPECT_NE(outcome.output.find("left out variant 'sfi': c.s is assembly"), std::string::npos);
  EXPECT_EQ(verify("ext.o", Variant::user), "ok");
  EXPECT_EQ(verify("ext.o", Variant::kernel), "ok");
  EXPECT_NE(sections("ext.o").find("vbpf.missing.sfi"), std::string::npos);
  refuse("c.s d.S e.cpp --variant=user,sfi -o ext2.o", "variant 'sfi' cannot be built: c.s is assembly");
  EXPECT_FALSE(exists("ext2.o"));
}

TEST_F(LinkTest, VariantsCanBeChosen) {
  build("-O2 a.cpp b.cpp --variant=user -o user.o");
  EXPECT_EQ(verify("user.o", Variant::user), "ok");
  EXPECT_NE(verify("user.o", Variant::sfi).find("no 'sfi' variant"), std::string::npos);
  build("-O2 a.cpp b.cpp --variant=sfi -o sfi.o");
  EXPECT_EQ(verify("sfi.o", Variant::sfi), "ok");
  EXPECT_NE(verify("sfi.o", Variant::user), "ok");
  build("-O2 a.cpp b.cpp --emit-variant=sfi -o raw.o");
  EXPECT_EQ(sections("raw.o").find("vbpf.variant"), std::string::npos);
  EXPECT_EQ(verify("raw.o", Variant::sfi), "ok");
  build("-O2 -c b.cpp --variant=user -o b_user.o");
  refuse("a.cpp b_user.o --variant=sfi -o x.o", "variant 'sfi' cannot be built: it was compiled with --variant=user");
  build("-O2 -c b.cpp --variant=sfi -o b_sfi.o");
  refuse("a.cpp b_sfi.o --variant=user -o x.o",
         "variant 'user' cannot be built: b_sfi.o was compiled with --variant=sfi");
}

TEST_F(LinkTest, CodeThatCannotBeRewrittenLeavesSfiOut) {
  write("odd.cpp", "int helper(int x) { __asm__ volatile(\"xlatb\" ::: \"memory\", \"rax\"); return x; }\n");
  Outcome outcome = driver("a.cpp odd.cpp -o ext.o");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_NE(outcome.output.find("left out variant 'sfi': odd.cpp: line "), std::string::npos) << outcome.output;
  EXPECT_NE(verify("ext.o", Variant::sfi).find("`xlatb`"), std::string::npos) << "the reason is recorded";
  refuse("a.cpp odd.cpp --variant=sfi -o x.o", "variant 'sfi' cannot be built: odd.cpp: line ");
}

TEST_F(LinkTest, ManifestIsCarriedAndUnique) {
  write("m.cpp",
        "#include <vbpf/vbpf.h>\nVBPF_MANIFEST(.concurrency = VBPF_CONCURRENCY_SHARED, .stack_size = 1 << 20, "
        ".heap_size = 1 << 25);\n");
  write("m.c", "#include <vbpf/vbpf.h>\nVBPF_MANIFEST(.heap_size = 1 << 20);\n");
  build("-Wall -Wextra a.cpp b.cpp m.cpp -o ext.o");
  EXPECT_EQ(verify("ext.o", Variant::sfi), "ok");
  EXPECT_NE(sections("ext.o").find("vbpf.manifest"), std::string::npos);
  build("-Wall -Wextra a.cpp b.cpp m.c -o ext_c.o");
  EXPECT_EQ(verify("ext_c.o", Variant::user), "ok");
  refuse("a.cpp b.cpp m.cpp m.c -o two.o", "duplicate symbol: vbpf_manifest_of_this_extension");
}

TEST_F(LinkTest, MessagesOfTheLinkerNameTheSources) {
  write("twin.cpp", kHelper);
  Outcome outcome = driver("a.cpp b.cpp twin.cpp -o ext.o");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.output.find("duplicate symbol: helper(int)"), std::string::npos) << outcome.output;
  EXPECT_NE(outcome.output.find("twin.cpp"), std::string::npos);
  EXPECT_EQ(outcome.output.find("/vbpf-clang-"), std::string::npos) << "a temporary name is shown: " << outcome.output;
}

TEST_F(LinkTest, WithoutTheRuntimeItsFunctionsAreMissing) {
  refuse("a.cpp b.cpp -nostdlib -o ext.o", "undefined symbol 'operator delete(void*");
}

}  // namespace
}  // namespace vbpf::test
