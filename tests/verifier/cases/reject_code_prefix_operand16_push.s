# rule: code-prefix
# SPDX-License-Identifier: Apache-2.0
# A push of 2 bytes.
.include "entry.inc"
entry f
  pushw %ax
  finish
