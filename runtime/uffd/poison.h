// SPDX-License-Identifier: Apache-2.0
// UFFDIO_POISON is from Linux 6.6, and headers of distributions are older.
#pragma once

#include <linux/userfaultfd.h>

#ifndef UFFDIO_POISON
struct uffdio_poison {
  uffdio_range range;
  __u64 mode;
  __s64 updated;
};
#define UFFDIO_POISON _IOWR(UFFDIO, 0x08, struct uffdio_poison)
#endif
