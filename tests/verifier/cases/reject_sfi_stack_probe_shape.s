# rule: sfi-stack
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# A compare that does not access what %rsp points to.
.include "entry.inc"
entry f
  sub $4096,%rsp
  cmpb $0,%gs:8(%esp)
  finish
