# rule: object-symbol
# SPDX-License-Identifier: Apache-2.0
# A common symbol has no place.
.include "entry.inc"
entry f
.comm c,8,8
  finish
