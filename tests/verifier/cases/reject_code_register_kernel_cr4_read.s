# rule: code-register
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Control registers.
.include "entry.inc"
entry f
  mov %cr4,%rax
  finish
