# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Reads an address of the host.
.include "entry.inc"
entry f
  rdgsbase %rax
  finish
