# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# The kernel variant has no vector registers.
.include "entry.inc"
entry f
  paddb %mm1,%mm0
  finish
