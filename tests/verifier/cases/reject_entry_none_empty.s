# rule: entry-none
# SPDX-License-Identifier: Apache-2.0
# No code at all.
.include "entry.inc"
  .data
  .quad 0
