# rule: code-indirect
# SPDX-License-Identifier: Apache-2.0
# A far jump loads a code segment.
.include "entry.inc"
entry f
  ljmp *(%rdi)
  finish
