# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Traps in virtual machines, and tells what CPU it is.
.include "entry.inc"
entry f
  cpuid
  finish
