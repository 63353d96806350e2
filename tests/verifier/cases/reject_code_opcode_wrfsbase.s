# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Moves thread-local storage of the host.
.include "entry.inc"
entry f
  wrfsbase %rax
  finish
