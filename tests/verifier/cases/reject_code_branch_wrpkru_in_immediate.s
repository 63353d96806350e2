# rule: code-branch
# SPDX-License-Identifier: Apache-2.0
# A jump to the bytes 0f 01 ef (wrpkru) inside an immediate.
.include "entry.inc"
entry f
  jmp 1f+1
1:
  mov $0x00ef010f,%eax
  finish
