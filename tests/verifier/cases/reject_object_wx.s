# rule: object-wx
# SPDX-License-Identifier: Apache-2.0
# Writable code.
.include "entry.inc"
entry f
  finish
.section .text.w,"awx",@progbits
  nop
