# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Waits.
.include "entry.inc"
entry f
  monitor
  finish
