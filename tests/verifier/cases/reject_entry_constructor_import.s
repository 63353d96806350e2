# rule: entry-constructor
# SPDX-License-Identifier: Apache-2.0
# A constructor that is an import.
.include "entry.inc"
entry f
  finish
.section .init_array,"aw",@init_array
  .quad vbpf_ktime_get_ns
