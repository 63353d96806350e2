# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# A clock for side channels.
.include "entry.inc"
entry f
  rdtsc
  finish
