# rule: sfi-stack
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# Writes the stack pointer in a way that does not keep it inside the region.
.include "entry.inc"
entry f
  mov %al,%spl
  finish
