# rule: sfi-stack
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# A step by a register.
.include "entry.inc"
entry f
  sub %rax,%rsp
  push %rax
  finish
