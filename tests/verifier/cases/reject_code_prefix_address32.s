# rule: code-prefix
# SPDX-License-Identifier: Apache-2.0
# 32-bit addressing is not emitted for 64-bit pointers.
.include "entry.inc"
entry f
  mov (%edi),%eax
  finish
