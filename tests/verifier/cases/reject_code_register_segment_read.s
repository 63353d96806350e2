# rule: code-register
# SPDX-License-Identifier: Apache-2.0
# Reads a segment register.
.include "entry.inc"
entry f
  mov %fs,%eax
  finish
