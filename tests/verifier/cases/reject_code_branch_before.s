# rule: code-branch
# SPDX-License-Identifier: Apache-2.0
# A jump to before the image.
.include "entry.inc"
entry f
  jmp f-0x2000
  finish
