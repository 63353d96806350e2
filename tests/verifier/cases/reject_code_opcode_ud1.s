# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# CPUs disagree on its length.
.include "entry.inc"
entry f
  ud1 (%rax),%eax
  finish
