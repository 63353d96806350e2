# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# The caches of all.
.include "entry.inc"
entry f
  wbinvd
  finish
