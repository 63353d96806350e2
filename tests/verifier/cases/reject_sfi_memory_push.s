# rule: sfi-memory
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# push of an unconfined operand.
.include "entry.inc"
entry f
  push (%rdi)
  finish
