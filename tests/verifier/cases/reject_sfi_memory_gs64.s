# rule: sfi-memory
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# %gs: with 64-bit addressing reaches anything.
.include "entry.inc"
entry f
  mov %gs:(%rdi),%rax
  finish
