# rule: code-branch
# SPDX-License-Identifier: Apache-2.0
# A jump out of the image.
.include "entry.inc"
entry f
  jmp f+0x100000
  finish
