# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Lifts the access prevention of the kernel.
.include "entry.inc"
entry f
  stac
  finish
