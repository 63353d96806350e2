# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Leaves the kernel.
.include "entry.inc"
entry f
  sysretq
  finish
