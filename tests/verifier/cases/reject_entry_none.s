# rule: entry-none
# SPDX-License-Identifier: Apache-2.0
# No function in a section of a hook.
.include "entry.inc"
  .text
.globl f
.type f,@function
f:
  finish
