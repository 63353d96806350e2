# rule: code-prefix
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# %fs: instead of %gs:.
.include "entry.inc"
entry f
  mov %fs:(%edi),%eax
  finish
