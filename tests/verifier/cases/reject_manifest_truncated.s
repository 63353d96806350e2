# rule: manifest
# SPDX-License-Identifier: Apache-2.0
# A manifest that is cut off.
.include "entry.inc"
entry f
  finish
.section vbpf.manifest,"a",@progbits
  .long 0x46504256
