/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code that tries to get out. It becomes the text of an extension as it is; each ATTACK is an entry, in the order of
 * attacks.def. rdi is the context, whose first word is the packet's address; the packet's words are what the test says.
 */
#define TEXT 0x100000
#define AT(offset) (attacks_start - TEXT + (offset))(%rip)
#define RETURN jmp attacks_start - TEXT + 0x11000
#define CALL_THROUGH(number) call attacks_start - TEXT + 0x11100 + 16 * (number)
#define JUMP_THROUGH(number) jmp attacks_start - TEXT + 0x11100 + 16 * (number)
#define IMPORT(number) call attacks_start - TEXT + 0x11200 + 16 * (number)

  .section .rodata
  .balign 4096
  .globl attacks_start
attacks_start:

#define ATTACK(name) .balign 16, 0xcc; .globl attack_##name; attack_##name: movq (%rdi), %rdi;

/* Twins that may do what they do. */
ATTACK(nothing)
  movl $2, %eax
  RETURN

ATTACK(echo) /* returns the packet's first word */
  movl (%rdi), %eax
  RETURN

  .balign 16, 0xcc
  .globl attack_chosen
attack_chosen: /* the attack whose number is the packet's eighth word, so that one entry has all of them */
  movq (%rdi), %rax
  movl 56(%rax), %eax
  leaq numbered(%rip), %rcx
  movslq (%rcx, %rax, 4), %rax
  addq %rcx, %rax
  jmp *%rax

ATTACK(own_memory) /* writes and reads stack, data, heap and packet */
  movq $5, AT(0x200000)
  pushq AT(0x200000)
  popq %rax
  leaq AT(0x40000000), %rcx
  movq %rax, 0x2000(%rcx)
  movl 0x2000(%rcx), %eax
  movq %rax, (%rdi)
  RETURN

ATTACK(read_own_text)
  movl attacks_start(%rip), %eax
  xorl %eax, %eax
  RETURN

ATTACK(calls) /* a call and a return through the thunks, an indirect call */
  call 1f
  leaq 1f(%rip), %r11
  CALL_THROUGH(11)
  leaq 1f(%rip), %rbx
  CALL_THROUGH(3)
  RETURN
  .balign 16
1: movl $7, %eax
  RETURN

ATTACK(loop_a_while) /* as often as the packet says */
  movq (%rdi), %rcx
  movq %rcx, %rdx
1: decq %rcx
  jnz 1b
  movl %edx, %eax
  RETURN

ATTACK(keeps_registers) /* a long loop that returns 1 if any register changed in it */
  pushq %rbx
  pushq %rbp
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq (%rdi), %rcx
  movabsq $0x1111111111111111, %rax
  movabsq $0x2222222222222222, %rdx
  movabsq $0x3333333333333333, %rbx
  movabsq $0x4444444444444444, %rbp
  movabsq $0x5555555555555555, %rsi
  movabsq $0x8888888888888888, %r8
  movabsq $0x9999999999999999, %r9
  movabsq $0xaaaaaaaaaaaaaaaa, %r10
  movabsq $0xbbbbbbbbbbbbbbbb, %r11
  movabsq $0xcccccccccccccccc, %r12
  movabsq $0xdddddddddddddddd, %r13
  movabsq $0xeeeeeeeeeeeeeeee, %r14
  movabsq $0xffffffffffffff0f, %r15
1: decq %rcx
  jnz 1b
#define EXPECT(register, value) movabsq $value, %rcx; cmpq %rcx, %register; jne 2f
  EXPECT(rax, 0x1111111111111111)
  EXPECT(rdx, 0x2222222222222222)
  EXPECT(rbx, 0x3333333333333333)
  EXPECT(rbp, 0x4444444444444444)
  EXPECT(rsi, 0x5555555555555555)
  EXPECT(r8, 0x8888888888888888)
  EXPECT(r9, 0x9999999999999999)
  EXPECT(r10, 0xaaaaaaaaaaaaaaaa)
  EXPECT(r11, 0xbbbbbbbbbbbbbbbb)
  EXPECT(r12, 0xcccccccccccccccc)
  EXPECT(r13, 0xdddddddddddddddd)
  EXPECT(r14, 0xeeeeeeeeeeeeeeee)
  EXPECT(r15, 0xffffffffffffff0f)
  xorl %eax, %eax
  jmp 3f
2: movl $1, %eax
3: popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbp
  popq %rbx
  RETURN

ATTACK(count) /* how often it was called, in its data */
  incl AT(0x200008)
  movl AT(0x200008), %eax
  RETURN

/* The same, as a constructor, which has no context. */
  .balign 16, 0xcc
  .globl attack_constructor
attack_constructor:
  incl AT(0x200008)
  RETURN

ATTACK(ask_for_time)
  IMPORT(2)
  RETURN

/* Memory that is not its own. */
ATTACK(read) /* from the packet's word */
  movq (%rdi), %rax
  movq (%rax), %rax
  RETURN

ATTACK(write)
  movq (%rdi), %rax
  movq %rax, (%rax)
  RETURN

ATTACK(read_offset) /* of its own region */
  leaq AT(0), %rax
  addq (%rdi), %rax
  movq (%rax), %rax
  xorl %eax, %eax
  RETURN

ATTACK(write_offset)
  leaq AT(0), %rax
  addq (%rdi), %rax
  movq %rax, (%rax)
  xorl %eax, %eax
  RETURN

ATTACK(read_per_cpu)
  movq %gs:0x28, %rax
  RETURN

ATTACK(read_relative_to_stack) /* the packet's word from its own stack pointer */
  movq (%rdi), %rax
  movq (%rsp, %rax), %rax
  xorl %eax, %eax
  RETURN

ATTACK(write_relative_to_stack)
  movq (%rdi), %rax
  movq %rax, (%rsp, %rax)
  xorl %eax, %eax
  RETURN

ATTACK(push_relative_to_stack)
  movq (%rdi), %rax
  addq %rax, %rsp
  pushq %rax
  subq %rax, %rsp
  addq $8, %rsp
  RETURN

/* Stack pointers. */
ATTACK(recurse)
1: subq $1000, %rsp
  movq %rax, (%rsp)
  call 1b
  RETURN

ATTACK(push_at) /* with the packet's word as stack pointer */
  movq (%rdi), %rsp
  pushq %rax
  RETURN

ATTACK(loop_at) /* loops with the packet's word as stack pointer */
  movq (%rdi), %rsp
1: jmp 1b

ATTACK(return_at) /* returns with the packet's word as stack pointer */
  movq (%rdi), %rsp
  RETURN

/* Control flow. */
ATTACK(call_indirect) /* to the packet's word */
  movq (%rdi), %rax
  CALL_THROUGH(0)
  RETURN

ATTACK(jump_indirect)
  movq (%rdi), %r11
  JUMP_THROUGH(11)

ATTACK(return_to)
  pushq (%rdi)
  RETURN

ATTACK(leave_deep) /* returns to the trampoline from far down */
  movq (%rsp), %rax
  subq $4096, %rsp
  movq %rax, (%rsp)
  movl $9, %eax
  RETURN

ATTACK(jump_raw) /* what the verifier forbids: an indirect jump without a check */
  movq (%rdi), %rax
  jmp *%rax

/* Exceptions. */
ATTACK(divide_by_zero)
  xorl %ecx, %ecx
  movl $1, %eax
  xorl %edx, %edx
  divl %ecx
  RETURN

ATTACK(undefined)
  ud2

ATTACK(breakpoint)
  int3

ATTACK(non_canonical)
  movabsq $0x8000000000000000, %rax
  movq (%rax), %rax
  RETURN

ATTACK(single_step) /* forbidden too: TF, by popf */
  pushfq
  orl $0x100, (%rsp)
  popfq
  nop
  nop
  RETURN

ATTACK(alignment_check)
  pushfq
  orl $0x40000, (%rsp)
  popfq
  movq (%rdi), %rax
  movl (%rax), %eax
  RETURN

ATTACK(loop_forever)
1: jmp 1b

/* Imports. */
ATTACK(log) /* the packet: address, size */
  movq 8(%rdi), %rsi
  movq (%rdi), %rdi
  IMPORT(1)
  xorl %eax, %eax
  RETURN

ATTACK(log_packet) /* eight bytes of the packet */
  movl $8, %esi
  IMPORT(1)
  xorl %eax, %eax
  RETURN

ATTACK(abort) /* kind 0, message: the packet's 8 bytes */
  movq %rdi, %rsi
  xorl %edi, %edi
  movl $8, %edx
  xorl %ecx, %ecx
  IMPORT(0)
  RETURN

ATTACK(abort_with) /* a message anywhere */
  movq (%rdi), %rsi
  movl $64, %edx
  xorl %edi, %edi
  xorl %ecx, %ecx
  IMPORT(0)
  RETURN

ATTACK(unknown_import)
  IMPORT(63)
  RETURN

ATTACK(import_with_stack_at) /* the import's stub is jumped to with a stack pointer from the packet */
  movq (%rdi), %rsp
  jmp attacks_start - TEXT + 0x11200 + 16 * 2

/* The context, which is its word. */
ATTACK(data_end_at)
  leaq AT(0x80000000), %rcx
  movq (%rdi), %rax
  movq %rax, 8(%rcx)
  movl $2, %eax
  RETURN

ATTACK(data_at)
  leaq AT(0x80000000), %rcx
  movq (%rdi), %rax
  movq %rax, (%rcx)
  movl $2, %eax
  RETURN

  .balign 16, 0xcc
numbered:
#undef ATTACK
#define ATTACK(name) .long attack_##name - numbered;
#include "attacks.def"

  .balign 16, 0xcc
  .globl attacks_end
attacks_end:
  .section .note.GNU-stack, "", @progbits
