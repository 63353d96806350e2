# rule: sfi-stack
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# A step whose page nobody touches: a second one would leave the guard zone.
.include "entry.inc"
entry f
  sub $4096,%rsp
  sub $4096,%rsp
  push %rax
  finish
