# rule: none
# SPDX-License-Identifier: Apache-2.0
# Twin: the same instruction whole, as the last of the section. What follows is a trap.
.include "entry.inc"
entry f
  movabs $0x0807060504030201,%rax
