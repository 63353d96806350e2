# rule: none
# variant: user
# SPDX-License-Identifier: Apache-2.0
# String instructions of 32 bits.
.include "entry.inc"
entry f
  rep movsl
  repe cmpsl
  finish
