# rule: code-branch
# SPDX-License-Identifier: Apache-2.0
# Backwards into the middle of an instruction.
.include "entry.inc"
entry f
1:
  mov $0x1234,%eax
  jne 1b+2
  finish
