# rule: sfi-memory
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# %gs: with %rip-relative addressing.
.include "entry.inc"
entry f
  mov %gs:f(%rip),%rax
  finish
