// SPDX-License-Identifier: Apache-2.0
#include "cxx_sort.h"

VBPF_INSTANTIATE_SORT(long)
