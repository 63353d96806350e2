# rule: none
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Bit manipulation is general registers, also where it is encoded like AVX.
.include "entry.inc"
entry f
  andn %rax,%rcx,%rdx
  mulx %rax,%rcx,%rdx
  pext %rax,%rcx,%rdx
  tzcnt %rax,%rcx
  crc32 %rax,%rcx
  movbe (%rdi),%rax
  finish
