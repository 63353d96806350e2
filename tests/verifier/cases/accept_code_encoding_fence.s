# rule: none
# SPDX-License-Identifier: Apache-2.0
# The forms of the fences that assemblers write.
.include "entry.inc"
entry f
  lfence
  mfence
  sfence
  finish
