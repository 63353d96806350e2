# rule: sfi-stack
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# The same by adding.
.include "entry.inc"
entry f
  add $-0x20000,%rsp
  push %rax
  finish
