# rule: sfi-memory
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# 32-bit addressing without %gs: the low 4 GiB of the process.
.include "entry.inc"
entry f
  mov (%edi),%eax
  finish
