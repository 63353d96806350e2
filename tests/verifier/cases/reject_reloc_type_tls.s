# rule: object-symbol
# SPDX-License-Identifier: Apache-2.0
# A thread-local offset.
.include "entry.inc"
entry f
  mov $x@tpoff,%eax
  finish
