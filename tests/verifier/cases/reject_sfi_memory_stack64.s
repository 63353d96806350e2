# rule: sfi-memory
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# An access through %rsp.
.include "entry.inc"
entry f
  mov 8(%rsp),%rax
  finish
