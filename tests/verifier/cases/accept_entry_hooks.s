# rule: none
# SPDX-License-Identifier: Apache-2.0
# Hooks, with what follows the slash free.
.include "entry.inc"
entry f
  finish
.section xdp,"ax",@progbits
.globl x
.type x,@function
x:
  finish
.section plugin/more,"ax",@progbits
.globl y
.type y,@function
y:
  finish
.section uffd,"ax",@progbits
.globl z
.type z,@function
z:
  finish
