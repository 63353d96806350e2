/* SPDX-License-Identifier: Apache-2.0 */
#include "helper.h"

long helper(long x) { return x + ANSWER + EXTRA; }
