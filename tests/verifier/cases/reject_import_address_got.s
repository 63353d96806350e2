# rule: import-address
# SPDX-License-Identifier: Apache-2.0
# The address of an import from the offset table.
.include "entry.inc"
entry f
  mov vbpf_ktime_get_ns@GOTPCREL(%rip),%rax
  finish
