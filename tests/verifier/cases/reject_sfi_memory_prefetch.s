# rule: sfi-memory
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# A prefetch reads the address of the host.
.include "entry.inc"
entry f
  prefetcht0 (%rdi)
  finish
