# SPDX-License-Identifier: Apache-2.0
# Room for one instruction, at `slot`, which cpu_length_test.cpp overwrites. Whatever branches a little ahead lands on a nop.
.section plugin,"ax",@progbits
.globl slot
.type slot,@function
slot:
  .fill 256,1,0x90
