# rule: code-prefix
# SPDX-License-Identifier: Apache-2.0
# Lock elision begins a transaction.
.include "entry.inc"
entry f
  xacquire lock xaddl %eax,(%rdi)
  finish
