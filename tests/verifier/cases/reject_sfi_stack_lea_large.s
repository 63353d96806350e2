# rule: sfi-stack
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# The same by lea.
.include "entry.inc"
entry f
  lea 0x20000(%rsp),%rsp
  push %rax
  finish
