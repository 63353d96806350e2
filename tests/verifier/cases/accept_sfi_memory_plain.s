# rule: none
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# Twin: An operand without confinement.
.include "entry.inc"
entry f
  mov %gs:(%edi),%rax
  mov %rax,%gs:8(%edi,%ecx,8)
  movups %gs:(%esp),%xmm0
  vpaddd %gs:0x20(%eax),%ymm1,%ymm2
  lock xaddl %eax,%gs:(%edi)
  prefetcht0 %gs:(%edi)
  push %gs:(%edi)
  pop %gs:(%edi)
  finish
