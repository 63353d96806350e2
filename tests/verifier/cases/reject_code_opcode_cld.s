# rule: code-opcode
# SPDX-License-Identifier: Apache-2.0
# Not emitted, and hides that std is refused.
.include "entry.inc"
entry f
  cld
  finish
