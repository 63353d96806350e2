// SPDX-License-Identifier: Apache-2.0
#include <vbpf/plugin.h>

VBPF_PLUGIN_ENTRY uint64_t fails(uint64_t address) {
#line 77 "faulty.cpp"
  return *reinterpret_cast<volatile uint64_t*>(address);
}
