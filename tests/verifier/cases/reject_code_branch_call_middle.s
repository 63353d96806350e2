# rule: code-branch
# SPDX-License-Identifier: Apache-2.0
# A call into the middle of an instruction.
.include "entry.inc"
entry f
  call 1f+1
1:
  mov $0x1234,%eax
  finish
