// SPDX-License-Identifier: Apache-2.0
// What every verb prints the same way: errors, JSON, numbers with units; and reads the same way: units.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "vbpf/extension.h"
#include "vbpf/result.h"

// Instantiated once, in output.cpp.
extern template class nlohmann::basic_json<nlohmann::ordered_map>;

namespace vbpf::cli {

// Keys stay in the order in which they are set.
using Json = nlohmann::ordered_json;

constexpr int exit_ok = 0, exit_failed = 1, exit_usage = 2, exit_machine = 3, exit_internal = 4;
int exit_status(ErrorKind kind);
std::string_view to_string(ErrorKind kind);  // "bad-input", "refused", "machine", "internal"

// --json, of any verb.
void add_json(CLI::App& command);
bool json_wanted();
// Also errors of the command line itself come as JSON: call before it is read.
void look_for_json(int count, char** arguments);
// With --json: one document on one line. To standard output, flushed. False when nobody reads any more.
bool print_json(const Json& document);
// Text that may hold any bytes, for a terminal and as JSON can carry it: control characters and what is no UTF-8 become
// \x1b.
std::string printable(std::string_view text);
// One line on standard error. When that cannot be written to, there is nowhere to say so.
void complain(std::string_view line);
// Flushes standard output. Turns `status` into 1, with a line that says why, when the answer could not be written; a
// reader that has gone away had enough. `error`: the errno of a write that failed already.
int finish_output(int status, int error = 0);

// One line on standard error, or with --json an object on standard output. Returns the exit status.
int report(const Error& error);

Json fault_json(const Fault& fault, bool registers);
std::string fault_text(const Fault& fault, bool registers);

// What it is attached to, of `show` or `stats`: "eth0", "process 4711", "-".
std::string place_text(const Json& shown);

const char* verdict_name(uint64_t verdict);  // "XDP_PASS"; "unknown" for numbers that are none

const char* concurrency_name(uint32_t concurrency);  // of VBPF_CONCURRENCY_*: "per_cpu"

// "10ms", "500us", "1s", "100ns", "100" (ns). Throws CLI::ValidationError.
std::chrono::nanoseconds parse_duration(const std::string& text);
std::string duration_text(std::chrono::nanoseconds duration);
// "4096", "64K", "16M", "1G". Throws CLI::ValidationError.
uint64_t parse_size(const std::string& text);

// --confine, --unconfined, --budget, --stack-size, --heap-size: what load and run share.
struct ConfineOptions {
  std::string confine = "auto", budget = "10ms", stack_size, heap_size;
  bool unconfined = false;

  void add(CLI::App& command);
  LoadOptions load_options() const;  // throws CLI::ValidationError
};

}  // namespace vbpf::cli
