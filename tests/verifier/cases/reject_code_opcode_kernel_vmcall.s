# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Enters a hypervisor.
.include "entry.inc"
entry f
  vmcall
  finish
