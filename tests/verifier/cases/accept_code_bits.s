# rule: none
# SPDX-License-Identifier: Apache-2.0
# Bit manipulation.
.include "entry.inc"
entry f
  andn %rax,%rcx,%rdx
  pext %rax,%rcx,%rdx
  mulx %rax,%rcx,%rdx
  shlx %rax,(%rdi),%rdx
  popcnt %rax,%rcx
  lzcnt %eax,%ecx
  tzcnt %ax,%cx
  adcx %rax,%rcx
  movbe (%rdi),%rax
  finish
