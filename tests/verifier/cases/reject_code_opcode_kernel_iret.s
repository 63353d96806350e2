# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Leaves the extension.
.include "entry.inc"
entry f
  iretq
  finish
