# rule: none
# SPDX-License-Identifier: Apache-2.0
# Twin: A call to data of the host.
.include "entry.inc"
entry f
  lea __vbpf_heap_start(%rip),%rax
  finish
