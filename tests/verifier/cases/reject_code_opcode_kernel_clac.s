# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Changes a flag of the host.
.include "entry.inc"
entry f
  clac
  finish
