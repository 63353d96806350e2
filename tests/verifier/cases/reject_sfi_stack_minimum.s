# rule: sfi-stack
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# The most negative immediate.
.include "entry.inc"
entry f
  add $-0x80000000,%rsp
  push %rax
  finish
