# rule: none
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# A large frame needs no probe: keys confine what lies beyond the stack.
.include "entry.inc"
entry f
  push %rbp
  mov %rsp,%rbp
  sub $0x100000,%rsp
  mov %rax,(%rsp)
  leave
  finish
