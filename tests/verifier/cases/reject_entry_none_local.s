# rule: entry-none
# SPDX-License-Identifier: Apache-2.0
# A local function is no entry.
.include "entry.inc"
.section xdp,"ax",@progbits
.type f,@function
f:
  finish
