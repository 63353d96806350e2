// SPDX-License-Identifier: Apache-2.0
// Has no answer to anything.
#include <vbpf/uffd.h>

VBPF_UFFD_ENTRY(pass)(struct vbpf_uffd*) { return VBPF_UFFD_PASS; }
