# rule: entry-hook
# SPDX-License-Identifier: Apache-2.0
# Code in a section that is no hook.
.include "entry.inc"
entry f
  finish
.section kprobe,"ax",@progbits
  finish
