# rule: code-prefix
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# A push of 2 bytes moves %rsp by 2.
.include "entry.inc"
entry f
  pushw %ax
  finish
