# rule: sfi-stack
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# lea from another register.
.include "entry.inc"
entry f
  lea 8(%rbp),%rsp
  push %rax
  finish
