# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Traps to the hypervisor, and differs between machines.
.include "entry.inc"
entry f
  cpuid
  finish
