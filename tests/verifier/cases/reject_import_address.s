# rule: import-address
# SPDX-License-Identifier: Apache-2.0
# The address of an import in data could not be called.
.include "entry.inc"
entry f
.pushsection .data
  .quad vbpf_ktime_get_ns
.popsection
  finish
