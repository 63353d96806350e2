# rule: none
# SPDX-License-Identifier: Apache-2.0
# Twin: the bytes of wrpkru inside an immediate do no harm while nothing can jump there.
.include "entry.inc"
entry f
  jmp 1f
1:
  mov $0x00ef010f,%eax
  finish
