# rule: code-register
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Segment registers.
.include "entry.inc"
entry f
  mov %eax,%ds
  finish
