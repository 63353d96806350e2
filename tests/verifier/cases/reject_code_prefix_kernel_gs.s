# rule: code-prefix
# variant: kernel
# SPDX-License-Identifier: Apache-2.0
# The kernel's data of this CPU.
.include "entry.inc"
entry f
  mov %gs:0,%rax
  finish
