# rule: import-unknown
# SPDX-License-Identifier: Apache-2.0
# A symbol that nobody defines.
.include "entry.inc"
entry f
  call system
  finish
