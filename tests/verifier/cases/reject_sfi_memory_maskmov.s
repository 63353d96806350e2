# rule: sfi-memory
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# A masked store.
.include "entry.inc"
entry f
  vmaskmovps %ymm0,%ymm1,(%rdi)
  finish
