# rule: sfi-memory
# variant: sfi
# SPDX-License-Identifier: Apache-2.0
# The same, and writes.
.include "entry.inc"
entry f
  lock btsq %rax,%gs:(%edi)
  finish
