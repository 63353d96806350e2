# rule: sfi-memory
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# %rip-relative, but outside the image.
.include "entry.inc"
entry f
  mov f-0x10000(%rip),%rax
  finish
