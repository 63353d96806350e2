// SPDX-License-Identifier: Apache-2.0
#include "command.h"

namespace vbpf::cli_test {
namespace {

TEST(Verify, AcceptsAllVariantsOfAnExtension) {
  const Answer answer = vbpf({"verify", extension("counter"), "--json"});
  EXPECT_EQ(answer.status, 0);
  const Json json = answer.json();
  EXPECT_EQ(json["ok"], true);
  ASSERT_EQ(json["variants"].size(), 3u);
  EXPECT_EQ(json["variants"][0]["variant"], "user");
  EXPECT_EQ(json["variants"][1]["variant"], "sfi");
  EXPECT_EQ(json["variants"][2]["variant"], "kernel");
  EXPECT_EQ(json["variants"][0]["entries"][0]["hook"], "xdp");
  EXPECT_EQ(json["variants"][0]["entries"][0]["name"], "counter");
  EXPECT_GT(json["variants"][0]["instructions"], 0);
}

TEST(Verify, ChecksOneVariantWhenAsked) {
  const Json json = vbpf({"verify", "--variant", "sfi", extension("counter"), "--json"}).json();
  ASSERT_EQ(json["variants"].size(), 1u);
  EXPECT_EQ(json["variants"][0]["variant"], "sfi");
}

TEST(Verify, HasStricterRulesForTheKernel) {
  const Json json = vbpf({"verify", "--variant", "kernel", extension("counter"), "--json"}).json();
  ASSERT_EQ(json["variants"].size(), 1u);
  EXPECT_EQ(json["variants"][0]["variant"], "kernel");
  EXPECT_EQ(json["ok"], true);
  // An object without variants is itself taken as the one asked for.
  const Folder folder;
  const std::string source = folder.file("v.c",
                                         "__attribute__((section(\"xdp\"), used)) int entry(void* ctx) {\n"
                                         "  __asm__ volatile(\"pxor %xmm0, %xmm0\");\n"
                                         "  return 2;\n"
                                         "}\n");
  const std::string object = folder.path / "v.o";
  ASSERT_EQ(run({HOST_C_COMPILER, "-O2", "-mfunction-return=thunk-extern", "-c", source, "-o", object}).status, 0);
  EXPECT_EQ(vbpf({"verify", "--variant", "user", object}).status, 0);
  const Answer answer = vbpf({"verify", "--variant", "kernel", object});
  EXPECT_EQ(answer.status, 1);
  EXPECT_NE(answer.out.find("kernel: refused"), std::string::npos) << answer.out;
  EXPECT_NE(answer.out.find("`pxor %xmm0, %xmm0`"), std::string::npos) << answer.out;
}

TEST(Verify, SaysHowInstancesAreMade) {
  const Json manifest = vbpf({"verify", extension("counter"), "--json"}).json()["variants"][0]["manifest"];
  EXPECT_EQ(manifest["concurrency"], "per_cpu");
  EXPECT_EQ(manifest["stack_size"], 64 << 10);
  EXPECT_EQ(manifest["heap_size"], 64 << 20);
}

std::string compiled(const Folder& folder, const std::string& text) {
  const std::string source = folder.file("text.c", text), object = folder.path / "text.o";
  EXPECT_EQ(run({HOST_C_COMPILER, "-c", source, "-o", object}).status, 0);
  return object;
}

// The name of the sfi variant's section in an object's data does not make it one that has an sfi variant.
TEST(Verify, FindsVariantsBySection) {
  const Folder folder;
  const Answer answer =
      vbpf({"verify", "--json",
            compiled(folder, "const char name[] = \"vbpf.variant.sfi\"; const char* const p = name;\n")});
  EXPECT_EQ(answer.json()["variants"].size(), 1u) << answer.out;
}

TEST(Verify, PrintsNamesWithoutControlCharacters) {
  const Folder folder;
  const std::string object =
      compiled(folder,
               "__attribute__((section(\"xdp\"), used)) int entry(void* ctx) __asm__(\"en\\033[31m\\302\\233try\");\n"
               "int entry(void* ctx) { __asm__ volatile(\"syscall\"); return 2; }\n");
  const Answer answer = vbpf({"verify", object});
  EXPECT_EQ(answer.status, 1);
  EXPECT_NE(answer.out.find("try"), std::string::npos) << answer.out;
  EXPECT_EQ(answer.out.find('\x1b'), std::string::npos);
  EXPECT_EQ(answer.out.find("\xc2\x9b"), std::string::npos);
}

// What plain clang makes of code with a return and a system call.
std::string plain_object(const Folder& folder) {
  const std::string source = folder.file("plain.c",
                                         "__attribute__((section(\"xdp\"), used)) int entry(void* ctx) {\n"
                                         "  __asm__ volatile(\"syscall\");\n"
                                         "  return 2;\n"
                                         "}\n");
  const std::string object = folder.path / "plain.o";
  EXPECT_EQ(run({HOST_C_COMPILER, "-g", "-c", source, "-o", object}).status, 0);
  return object;
}

TEST(Verify, NamesRuleSymbolInstructionLineAndHint) {
  const Folder folder;
  const Answer answer = vbpf({"verify", plain_object(folder), "--json"});
  EXPECT_EQ(answer.status, 1);
  const Json json = answer.json();
  EXPECT_EQ(json["ok"], false);
  ASSERT_EQ(json["variants"].size(), 1u) << "it has one variant";
  bool found = false;
  for (const Json& one : json["variants"][0]["diagnostics"]) {
    if (one["instruction"] != "syscall") continue;
    found = true;
    EXPECT_EQ(one["rule"], "code-opcode");
    EXPECT_EQ(one["symbol"], "entry");
    EXPECT_GT(one["symbol_offset"], 0);
    EXPECT_EQ(one["section"], "xdp");
    EXPECT_NE(one["line"].get<std::string>().find("plain.c:2"), std::string::npos) << one;
    EXPECT_FALSE(one["message"].get<std::string>().empty());
    EXPECT_FALSE(one["hint"].get<std::string>().empty());
  }
  EXPECT_TRUE(found) << json;
}

TEST(Verify, AsTextSaysTheSame) {
  const Folder folder;
  const Answer answer = vbpf({"verify", plain_object(folder)});
  EXPECT_EQ(answer.status, 1);
  for (const char* part : {"refused", "code-opcode", "entry+0x", "`syscall`", "plain.c:2", "hint: "})
    EXPECT_NE(answer.out.find(part), std::string::npos) << part << " is not in " << answer.out;
}

TEST(Verify, BadFilesAreOneLine) {
  const Folder folder;
  EXPECT_EQ(vbpf({"verify", "/nonexistent"}).status, 1);
  EXPECT_TRUE(vbpf({"verify", "/nonexistent"}).says({"/nonexistent", "No such file"}));
  EXPECT_TRUE(vbpf({"verify", folder.path}).says({"folder"}));
  EXPECT_TRUE(vbpf({"verify", "/dev/zero"}).says({"/dev/zero", "device"}));
  const Answer text = vbpf({"verify", folder.file("text", "hello")});
  EXPECT_EQ(text.status, 1);
  EXPECT_NE(text.out.find("object-header"), std::string::npos);
  EXPECT_EQ(vbpf({"verify", "--variant", "gpu", extension("counter")}).status, 2);
}

}  // namespace
}  // namespace vbpf::cli_test
