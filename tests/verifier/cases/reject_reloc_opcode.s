# rule: code-decode
# SPDX-License-Identifier: Apache-2.0
# A relocation that turns an immediate into instructions does not go unseen: the bytes are checked after it.
# Here the immediate lies where an opcode is.
.include "entry.inc"
entry f
  .byte 0x90,0x90,0x90,0x90,0x90,0x90,0x90,0x90
  .reloc f, R_X86_64_64, f+0x06060606
  finish
