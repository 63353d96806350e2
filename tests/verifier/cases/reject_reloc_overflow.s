# rule: reloc-overflow
# SPDX-License-Identifier: Apache-2.0
# A target further away than 2 GiB.
.include "entry.inc"
entry f
.pushsection .data
  .long f-0x7fffffff-.
.popsection
  finish
