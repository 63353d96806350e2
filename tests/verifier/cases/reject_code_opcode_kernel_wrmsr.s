# rule: code-opcode
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# PKRS, which confines the extension, is such a register.
.include "entry.inc"
entry f
  wrmsr
  finish
