# rule: code-register
# SPDX-License-Identifier: Apache-2.0
# Loads a segment register from the stack.
.include "entry.inc"
entry f
  pop %fs
  finish
