# rule: entry-place
# SPDX-License-Identifier: Apache-2.0
# An entry at the end of its section: nothing of it is there.
.include "entry.inc"
entry f
  finish
.globl g
.type g,@function
g:
