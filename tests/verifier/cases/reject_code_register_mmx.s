# rule: code-register
# SPDX-License-Identifier: Apache-2.0
# PADDB also exists for MMX registers, which share state with x87.
.include "entry.inc"
entry f
  paddb %mm1,%mm0
  finish
