# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Reads the extended control register.
.include "entry.inc"
entry f
  xgetbv
  finish
