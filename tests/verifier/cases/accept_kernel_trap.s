# rule: none
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# Traps end the invocation with a report.
.include "entry.inc"
entry f
  endbr64
  ud2
  int3
  finish
