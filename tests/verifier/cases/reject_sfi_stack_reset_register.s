# rule: sfi-stack
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# The base is read through a register.
.include "entry.inc"
entry f
  mov %ebp,%esp
  orq %gs:0x10000(%eax),%rsp
  finish
