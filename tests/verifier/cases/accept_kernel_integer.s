# rule: none
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# General registers only.
.include "entry.inc"
entry f
  mov (%rdi),%rax
  popcnt %rax,%rcx
  rep movsb
  finish
