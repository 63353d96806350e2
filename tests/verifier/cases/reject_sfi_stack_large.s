# rule: sfi-stack
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# A step larger than the guard zone allows.
.include "entry.inc"
entry f
  sub $0x10001,%rsp
  push %rax
  finish
