# rule: code-prefix
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Segments are the host's.
.include "entry.inc"
entry f
  mov %fs:(%rdi),%rax
  finish
