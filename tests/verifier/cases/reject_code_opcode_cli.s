# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Privileged.
.include "entry.inc"
entry f
  cli
  finish
