# rule: code-register
# SPDX-License-Identifier: Apache-2.0
# PSHUFB also exists for MMX registers.
.include "entry.inc"
entry f
  pshufb %mm1,%mm0
  finish
