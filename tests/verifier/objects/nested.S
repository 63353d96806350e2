# SPDX-License-Identifier: Apache-2.0
# everything.s with the object INNER as its sfi variant.
.include "everything.s"
.section vbpf.variant.sfi,"",@progbits
.incbin INNER
