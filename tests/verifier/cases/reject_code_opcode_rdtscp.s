# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# A clock for side channels.
.include "entry.inc"
entry f
  rdtscp
  finish
