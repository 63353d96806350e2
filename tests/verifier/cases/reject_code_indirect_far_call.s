# rule: code-indirect
# SPDX-License-Identifier: Apache-2.0
# A far call loads a code segment.
.include "entry.inc"
entry f
  lcall *(%rdi)
  finish
