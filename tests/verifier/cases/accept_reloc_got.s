# rule: none
# SPDX-License-Identifier: Apache-2.0
# Own data through the offset table.
.include "entry.inc"
entry f
  mov d@GOTPCREL(%rip),%rax
  mov f@GOTPCREL(%rip),%rcx
  mov __vbpf_heap_end@GOTPCREL(%rip),%rdx
.pushsection .data
.globl d
d:
  .quad d
.popsection
  finish
