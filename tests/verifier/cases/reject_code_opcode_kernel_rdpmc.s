# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Reads performance counters.
.include "entry.inc"
entry f
  rdpmc
  finish
