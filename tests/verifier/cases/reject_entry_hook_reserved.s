# rule: entry-hook
# SPDX-License-Identifier: Apache-2.0
# A hook that is not built yet.
.include "entry.inc"
entry f
  finish
.section tc,"ax",@progbits
  finish
