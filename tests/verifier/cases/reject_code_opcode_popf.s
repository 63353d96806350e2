# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Could set TF, AC or the direction flag.
.include "entry.inc"
entry f
  popfq
  finish
