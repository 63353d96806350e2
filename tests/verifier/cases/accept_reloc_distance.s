# rule: none
# SPDX-License-Identifier: Apache-2.0
# A 32-bit distance in data.
.include "entry.inc"
entry f
.pushsection .data
  .long f-.
  .quad f-.
.popsection
  finish
