# rule: none
# SPDX-License-Identifier: Apache-2.0
# Twin: Loads a segment register.
.include "entry.inc"
entry f
  mov %eax,%ecx
  finish
