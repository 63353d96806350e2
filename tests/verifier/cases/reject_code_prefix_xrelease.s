# rule: code-prefix
# SPDX-License-Identifier: Apache-2.0
# Lock elision.
.include "entry.inc"
entry f
  xrelease movl %eax,(%rdi)
  finish
