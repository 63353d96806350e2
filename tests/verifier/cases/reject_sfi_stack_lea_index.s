# rule: sfi-stack
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# lea with an index moves %rsp anywhere.
.include "entry.inc"
entry f
  lea (%rsp,%rax,1),%rsp
  push %rax
  finish
