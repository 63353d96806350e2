# rule: code-prefix
# SPDX-License-Identifier: Apache-2.0
# %fs is thread-local storage of the host.
.include "entry.inc"
entry f
  mov %fs:0x28,%rax
  finish
