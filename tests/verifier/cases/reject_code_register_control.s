# rule: code-register
# SPDX-License-Identifier: Apache-2.0
# A control register.
.include "entry.inc"
entry f
  mov %cr4,%rax
  finish
