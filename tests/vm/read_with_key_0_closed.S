/* SPDX-License-Identifier: Apache-2.0 */
/* uint64_t read_with_key_0_closed(const uint64_t* address)
 * Gives *address, or 0 when the signal handler stepped over the load. Closes key 0 around the load and nothing else; the
 * key register is as before afterwards. Clobbers rax, rcx, rdx, r8, r9. */
  .text
  .globl read_with_key_0_closed, read_with_key_0_closed_load, read_with_key_0_closed_after
  .type read_with_key_0_closed, @function
read_with_key_0_closed:
  xorl %r8d, %r8d
  xorl %ecx, %ecx
  rdpkru
  movl %eax, %r9d
  orl $1, %eax
  xorl %edx, %edx
  wrpkru
read_with_key_0_closed_load:
  movq (%rdi), %r8
read_with_key_0_closed_after:
  movl %r9d, %eax
  xorl %ecx, %ecx
  xorl %edx, %edx
  wrpkru
  movq %r8, %rax
  ret
  .size read_with_key_0_closed, . - read_with_key_0_closed
  .section .note.GNU-stack, "", @progbits
