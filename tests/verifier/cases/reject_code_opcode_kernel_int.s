# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Looks like an interrupt to the gate.
.include "entry.inc"
entry f
  int $0x20
  finish
