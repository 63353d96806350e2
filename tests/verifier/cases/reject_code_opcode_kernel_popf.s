# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Changes the interrupt flag.
.include "entry.inc"
entry f
  popfq
  finish
