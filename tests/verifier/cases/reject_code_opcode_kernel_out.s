# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Talks to devices.
.include "entry.inc"
entry f
  out %al,%dx
  finish
