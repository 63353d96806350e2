# rule: none
# SPDX-License-Identifier: Apache-2.0
# Twin: The address of an import in data could not be called.
.include "entry.inc"
entry f
.pushsection .data
  .quad f
.popsection
  finish
