# rule: object-section
# SPDX-License-Identifier: Apache-2.0
# Thread-local storage.
.include "entry.inc"
entry f
  finish
.section .tdata,"awT",@progbits
  .quad 0
