// SPDX-License-Identifier: Apache-2.0
// A global constructor faults, as the macro says.
#include <vbpf/plugin.h>

static int* volatile nowhere;
static volatile bool always = true;

struct Construct {
  Construct() {
#ifdef LOOPS
    while (always) {
    }
#else
    *nowhere = 1;
#endif
  }
};
static Construct construct;

VBPF_PLUGIN_ENTRY int entry() { return always ? 1 : 0; }
