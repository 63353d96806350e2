# rule: none
# SPDX-License-Identifier: Apache-2.0
# Twin: %fs is thread-local storage of the host.
.include "entry.inc"
entry f
  mov 0x28(%rdi),%rax
  finish
