// SPDX-License-Identifier: Apache-2.0
// What the rewriter makes of single instructions, and what it says where it makes nothing.
#include "sfi/rewriter.h"

#include <gtest/gtest.h>

namespace vbpf::sfi {
namespace {

// The rewritten lines without indentation, joined by "; ". Ends in " !" and the reasons if there are errors.
std::string rewritten(const std::string& assembly) {
  const RewriteResult result = rewrite(assembly);
  std::string text;
  for (const char c : result.assembly) {
    if (c == '\n')
      text += "; ";
    else if (c == '\t')
      text += text.empty() || text.ends_with("; ") ? "" : " ";
    else
      text += c;
  }
  for (const std::string& error : result.errors) text += " !" + error;
  return text;
}

struct Case {
  const char* in;
  const char* out;
};

const Case kMemory[] = {
    {"movq 8(%rdi), %rax", "movq %gs:8(%edi), %rax; "},
    {"movl %eax, -4(%r9,%r10,4)", "movl %eax, %gs:-4(%r9d,%r10d,4); "},
    {"addq (,%rax,8), %rcx", "addq %gs:(,%eax,8), %rcx; "},
    {"movb $1, 0x10(%rsp)", "movb $1, %gs:0x10(%esp); "},
    {"movl 4(%edi), %eax", "movl %gs:4(%edi), %eax; "},
    {"movq foo(%rip), %rax", "movq foo(%rip), %rax; "},
    {"movq foo@GOTPCREL(%rip), %rax", "movq foo@GOTPCREL(%rip), %rax; "},
    {"movl foo+4, %eax", "movl foo+4(%rip), %eax; "},
    {"movl 0, %eax", "movl %gs:0(,%eiz), %eax; "},
    {"movl (16+0x8), %eax", "movl %gs:(16+0x8)(,%eiz), %eax; "},
    {"pushq 8(%rbp)", "pushq %gs:8(%ebp); "},
    {"popq 16(%rsp)", "popq %gs:16(%esp); "},
    {"leaq 8(%rdi,%rsi,2), %rax", "leaq 8(%rdi,%rsi,2), %rax; "},
    {"nopw 8(%rax)", "nopw 8(%rax); "},
    {"lock addl $1, (%rdi)", "lock addl $1, %gs:(%edi); "},
    {"lock; xaddq %rax, (%rdi)", "lock xaddq %rax, %gs:(%edi); "},
    {"lock\n\tcmpxchg16b (%rdi)", "lock cmpxchg16b %gs:(%edi); "},
    {"vaddps (%rdi){1to8}, %ymm0, %ymm1{%k1}{z}", "vaddps %gs:(%edi){1to8}, %ymm0, %ymm1{%k1}{z}; "},
    {"{vex3} vmovaps (%rdi), %ymm0", "{vex3} vmovaps %gs:(%edi), %ymm0; "},
    {"rep bsfq (%rdi), %rax", "rep bsfq %gs:(%edi), %rax; "},
    {"movsd (%rdi), %xmm0", "movsd %gs:(%edi), %xmm0; "},
    {"cmpltsd (%rsi), %xmm0", "cmpltsd %gs:(%esi), %xmm0; "},
    {"movsbl (%rdi), %eax", "movsbl %gs:(%edi), %eax; "},
    {"btq $3, (%rdi)", "btq $3, %gs:(%edi); "},
    {"mulxq (%rdi), %rax, %rcx", "mulxq %gs:(%edi), %rax, %rcx; "},
};

const Case kText[] = {
    {"a: b: movq (%rdi), %rax # (%rsi)", "a:; b:; movq %gs:(%edi), %rax; "},
    {"movl $'(', %eax; movl $';', (%rdi)", "movl $'(', %eax; movl $';', %gs:(%edi); "},
    {".ascii \"(%rax) # ; \\\"\"; nop", ".ascii \"(%rax) # ; \\\"\"; nop; "},
    {"nop /* (%rax);\n ret */; nop // x", "nop; nop; "},
    {"movq \"a b\"(%rip), %rax", "movq \"a b\"(%rip), %rax; "},
    {"\"x;y\": nop", "\"x;y\":; nop; "},
    {"x = 5\n.set y, x", "x = 5; .set y, x; "},
    {"1: jmp 1b", "1:; jmp 1b; "},
    {"rep; nop", "pause; "},
    {"retq", "jmp __x86_return_thunk; "},
    {"rep ret", "jmp __x86_return_thunk; "},
    {"callq foo@PLT; jne .L1; jmp __x86_indirect_thunk_r11", "callq foo@PLT; jne .L1; jmp __x86_indirect_thunk_r11; "},
};

#define BASE "orq %gs:65536(,%eiz), %rsp; "
const Case kStack[] = {
    {"subq $24, %rsp; nop", "subq $24, %rsp; cmpb $0, (%rsp); nop; "},
    {"subq $24, %rsp; callq f", "subq $24, %rsp; callq f; "},
    {"addq $8, %rsp; .cfi_def_cfa_offset 8; popq %rbx", "addq $8, %rsp; .cfi_def_cfa_offset 8; popq %rbx; "},
    {"addq $8, %rsp\n.Ltmp1:\n.loc 1 2 3\njmp __x86_return_thunk",
     "addq $8, %rsp; .Ltmp1:; .loc 1 2 3; jmp __x86_return_thunk; "},
    {"addq $8, %rsp; retq", "addq $8, %rsp; jmp __x86_return_thunk; "},
    {"addq $8, %rsp; jmp memcpy@PLT", "addq $8, %rsp; cmpb $0, (%rsp); jmp memcpy@PLT; "},
    {"addq $8, %rsp; .p2align 4; popq %rbx", "addq $8, %rsp; cmpb $0, (%rsp); .p2align 4; popq %rbx; "},
    {"addq $8, %rsp; popq (%rdi)", "addq $8, %rsp; cmpb $0, (%rsp); popq %gs:(%edi); "},
    {"subq $8, %rsp; leave", "subq $8, %rsp; cmpb $0, (%rsp); movl %ebp, %esp; " BASE "popq %rbp; "},
    {"subq $65536, %rsp; nop", "subq $65536, %rsp; cmpb $0, (%rsp); nop; "},
    {"subq $65537, %rsp; nop", "subl $65537, %esp; " BASE "nop; "},
    {"addq $-128, %rsp; nop", "addq $-128, %rsp; cmpb $0, (%rsp); nop; "},
    {"andq $-64, %rsp; nop", "andq $-64, %rsp; cmpb $0, (%rsp); nop; "},
    {"andq $-131072, %rsp; nop", "andl $-131072, %esp; " BASE "nop; "},
    {"andq $-65, %rsp; nop", "andl $-65, %esp; " BASE "nop; "},
    {"leaq -8(%rbp), %rsp; popq %rbx", "leal -8(%ebp), %esp; " BASE "popq %rbx; "},
    {"leaq 8(%rsp), %rsp; nop", "leaq 8(%rsp), %rsp; cmpb $0, (%rsp); nop; "},
    {"leaq 8(%rsp), %rsp; je .L", "leaq 8(%rsp), %rsp; pushq %rax; popq %rax; je .L; "},
    {"movq %rbp, %rsp; popq %rbp", "movl %ebp, %esp; " BASE "popq %rbp; "},
    {"subq %rax, %rsp; nop", "subl %eax, %esp; " BASE "nop; "},
    {"movq %rsp, %rsp", ""},
    {"movq -64(%rbp), %rsp; nop",
     "xchgq %rax, %gs:-64(%ebp); movl %eax, %esp; " BASE "xchgq %rax, %gs:-64(%ebp); nop; "},
    {"movq %rbx, %rsp; je .L", "movq %rax, %gs:-8(%ebx); lahf; seto %al; movl %ebx, %esp; " BASE
                               "addb $127, %al; sahf; movq %gs:-8(%esp), %rax; je .L; "},
    {"movq %rsp, %rbp; cmpq %rsp, %rax; pushq %rsp; movq %rsp, 8(%rdi)",
     "movq %rsp, %rbp; cmpq %rsp, %rax; pushq %rsp; movq %rsp, %gs:8(%edi); "},
};

TEST(Rewriter, ConfinesMemory) {
  for (const Case& c : kMemory) EXPECT_EQ(rewritten(c.in), c.out) << c.in;
}
TEST(Rewriter, ReadsWhatClangAndPeopleWrite) {
  for (const Case& c : kText) EXPECT_EQ(rewritten(c.in), c.out) << c.in;
}
TEST(Rewriter, ProbesOrResetsTheStackPointer) {
  for (const Case& c : kStack) EXPECT_EQ(rewritten(c.in), c.out) << c.in;
}

// Each is refused, for the reason that contains `out`.
const Case kRefused[] = {
    {"movq %fs:0, %rax", "thread-local"},
    {"movq %gs:8(%rdi), %rax", "segment overrides"},
    {"leaq %fs:8(%rdi), %rax", "thread-local"},
    {"gs movq (%rdi), %rax", "prefix gs"},
    {"addr32 movq (%rdi), %rax", "prefix addr32"},
    {"rep movl (%rdi), %eax", "prefix rep"},
    {"rep bsrl %eax, %eax", "prefix rep"},
    {"lock", "prefix must stand"},
    {"lock\nfoo: addl $1, (%rdi)", "prefix must stand"},
    {"movq foo(%eip), %rax", "RIP-relative"},
    {"movl foo(,%rax,4), %ecx", "position-independent"},
    {"movl foo(%rax), %ecx", "position-independent"},
    {"movabsq 0x1122334455667788, %rax", "64-bit absolute"},
    {"vpgatherdd %ymm0, (%rax,%ymm1,4), %ymm2", "gathers"},
    {"movl (%bx), %eax", "address register"},
    {"callq *%rax", "indirect branches"},
    {"jmp *foo(,%rax,8)", "indirect branches"},
    {"notrack jmp *%rax", "indirect branches"},
    {"retq $8", "pops no arguments"},
    {"xlatb", "without an operand"},
    {"maskmovdqu %xmm0, %xmm1", "without an operand"},
    {"enter $8, $0", "moves %rsp"},
    {"repe cmpsb", "write the loop"},
    {"repne scasb (%rdi), %al", "write the loop"},
    {"lodsb", "write the loop"},
    {"rep movsb %fs:(%rsi), (%rdi)", "thread-local"},
    {"popq %rsp", "cannot be confined"},
    {"xchgq %rax, %rsp", "cannot be confined"},
    {"xchgq %rsp, (%rax)", "cannot be confined"},
    {"movl %eax, %esp", "cannot be confined"},
    {"movw $0, %sp", "cannot be confined"},
    {"incq %rsp", "cannot be confined"},
    {"orq $8, %rsp", "cannot be confined"},
    {"cmoveq %rax, %rsp", "cannot be confined"},
    {"addq (%rax), %rsp", "number known here"},
    {"subq $foo, %rsp", "number known here"},
    {"leaq foo(%rip), %rsp", "address in registers"},
    {"subq $100000, %rsp; je .L", "flags"},
    {"movq 8(%rax), %rsp", "cannot be loaded"},
    {"btq %rax, foo(%rip)\nbtq %rsp, (%rax)", "use a mask"},
    {".intel_syntax noprefix", "directive"},
    {".macro x", "directive"},
    {".rept 4", "directive"},
    {".include \"x\"", "directive"},
};

TEST(Rewriter, RefusesWithAReason) {
  for (const Case& c : kRefused) {
    const RewriteResult result = rewrite(c.in);
    ASSERT_EQ(result.errors.size(), 1U) << c.in;
    EXPECT_NE(result.errors[0].find(c.out), std::string::npos) << result.errors[0];
    EXPECT_EQ(result.assembly, "") << c.in;
  }
}

TEST(Rewriter, NamesLineAndSource) {
  const RewriteResult result = rewrite("\tnop\n\t.loc\t1 7 3 prologue_end  # a.cpp:7:3\n\tmovq\t%fs:0, %rax\n");
  ASSERT_EQ(result.errors.size(), 1U);
  EXPECT_EQ(result.errors[0],
            "line 3: `movq %fs:0, %rax`: thread-local storage is not available to extensions: use a global (each "
            "instance has its "
            "own) (a.cpp:7)");
}

TEST(Rewriter, FollowsJumpsForTheFlags) {
  EXPECT_EQ(rewritten("leaq 8(%rsp), %rsp; jmp .La; nop; .La: cmpl $1, %eax; je .La").find("pushq"), std::string::npos);
  EXPECT_NE(rewritten("leaq 8(%rsp), %rsp; jmp .La; nop; .La: je .La").find("pushq"), std::string::npos);
  EXPECT_NE(rewritten(".La: leaq 8(%rsp), %rsp; .Lb: jmp .Lb").find("pushq"), std::string::npos);
}

TEST(ReturnThunk, ReplacesOnlyReturns) {
  EXPECT_EQ(
      use_return_thunk("f: retq # x\n\tmovq (%rdi), %rax; rep ret\n.ascii \"ret\"\n\tretq $8\n"),
      "f:\n\tjmp\t__x86_return_thunk\n\tmovq (%rdi), %rax\n\tjmp\t__x86_return_thunk\n\t.ascii \"ret\"\n\tretq $8\n");
}

}  // namespace
}  // namespace vbpf::sfi
