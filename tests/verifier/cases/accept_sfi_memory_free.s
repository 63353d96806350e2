# rule: none
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# lea and nops access nothing.
.include "entry.inc"
entry f
  lea 8(%rdi,%rcx,4),%rax
  lea (%edi),%eax
  nopw 0x1000(%rax,%rax,1)
  .p2align 4
  finish
