// SPDX-License-Identifier: Apache-2.0
// The rules of samples/firewall, as its eBPF twin has them.
#pragma once

#include <span>
#include <string>

#include "work.h"

// What is wrong, or nothing.
std::string fill_default_rules(std::span<bench_rule> rules);
std::string fill_many_rules(std::span<bench_rule> rules);
