// SPDX-License-Identifier: Apache-2.0
#include "cxx_sort.h"

VBPF_INSTANTIATE_SORT(char)
VBPF_INSTANTIATE_SORT(signed char)
VBPF_INSTANTIATE_SORT(short)
VBPF_INSTANTIATE_SORT(long long)
VBPF_INSTANTIATE_SORT(unsigned long long)
VBPF_INSTANTIATE_SORT(wchar_t)
