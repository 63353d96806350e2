# rule: sfi-memory
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# A vector load.
.include "entry.inc"
entry f
  vmovdqu (%rdi),%ymm0
  finish
