# rule: code-register
# SPDX-License-Identifier: Apache-2.0
# Loads a segment register.
.include "entry.inc"
entry f
  mov %eax,%fs
  finish
