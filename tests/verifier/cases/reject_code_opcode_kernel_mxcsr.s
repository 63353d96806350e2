# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# State of the host.
.include "entry.inc"
entry f
  ldmxcsr (%rdi)
  finish
