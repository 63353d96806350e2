// SPDX-License-Identifier: Apache-2.0
// samples/firewall with as many rules as a host may have.
#define FIREWALL_RULES "many.rules"
#include "../../samples/firewall/main.cpp"
