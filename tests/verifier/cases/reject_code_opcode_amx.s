# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Not listed: unknown is refused.
.include "entry.inc"
entry f
  tilezero %tmm0
  finish
