# rule: sfi-stack
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# An or with memory that is not the base.
.include "entry.inc"
entry f
  orq %gs:0x20000(,%eiz),%rsp
  finish
