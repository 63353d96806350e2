# rule: code-decode
# SPDX-License-Identifier: Apache-2.0
# A table in an executable section is not code.
.include "entry.inc"
entry f
  jmp __x86_return_thunk
  .byte 0xff,0xff,0xff,0xff
  finish
