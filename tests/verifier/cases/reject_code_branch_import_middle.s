# rule: code-branch
# SPDX-License-Identifier: Apache-2.0
# A call into the middle of an import stub.
.include "entry.inc"
entry f
  call vbpf_ktime_get_ns+3
  finish
