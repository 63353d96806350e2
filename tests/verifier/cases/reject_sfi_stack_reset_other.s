# rule: sfi-stack
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# The base is read from elsewhere.
.include "entry.inc"
entry f
  mov %ebp,%esp
  orq %gs:0x10008(,%eiz),%rsp
  finish
