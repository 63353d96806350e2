# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# The counterpart of stac.
.include "entry.inc"
entry f
  clac
  finish
