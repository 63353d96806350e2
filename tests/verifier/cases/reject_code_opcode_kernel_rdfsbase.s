# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Segment bases are the host's.
.include "entry.inc"
entry f
  rdfsbase %rax
  finish
