# rule: code-prefix
# SPDX-License-Identifier: Apache-2.0
# %gs belongs to the host in the user variant.
.include "entry.inc"
entry f
  mov %gs:(%rax),%rax
  finish
