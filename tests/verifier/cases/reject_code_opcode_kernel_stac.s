# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Opens user memory, which protection keys do not cover.
.include "entry.inc"
entry f
  stac
  finish
