# rule: sfi-memory
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# An absolute 64-bit address.
.include "entry.inc"
entry f
  movabs 0x1122334455667788,%rax
  finish
