# rule: code-branch
# SPDX-License-Identifier: Apache-2.0
# A call to data of the host.
.include "entry.inc"
entry f
  call __vbpf_heap_start
  finish
