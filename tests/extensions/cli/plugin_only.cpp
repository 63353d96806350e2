// SPDX-License-Identifier: Apache-2.0
#include <vbpf/plugin.h>

VBPF_PLUGIN_ENTRY uint64_t twice(uint64_t value) { return 2 * value; }
