# rule: code-branch
# SPDX-License-Identifier: Apache-2.0
# A jump to the bytes 0f 05 (syscall) inside a displacement.
.include "entry.inc"
entry f
  jmp 1f+2
1:
  lea 0x050f(%rax),%rcx
  finish
