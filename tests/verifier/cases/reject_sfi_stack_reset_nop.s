# rule: sfi-stack
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# The base is put back one instruction too late.
.include "entry.inc"
entry f
  mov %ebp,%esp
  nop
  orq %gs:0x10000(,%eiz),%rsp
  finish
