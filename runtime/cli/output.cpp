// SPDX-License-Identifier: Apache-2.0
#include "output.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

template class nlohmann::basic_json<nlohmann::ordered_map>;

namespace vbpf::cli {
namespace {

bool json = false;
int lost = 0;  // errno of the first write of an answer that failed: flushing again does not say it again

struct Unit {
  const char* name;
  uint64_t factor;
};

uint64_t parse_with_unit(const std::string& text, std::initializer_list<Unit> units, const char* expected) {
  uint64_t value = 0;
  size_t i = 0;
  bool overflow = false;
  for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i)
    overflow |= __builtin_mul_overflow(value, 10, &value) ||
                __builtin_add_overflow(value, static_cast<uint64_t>(text[i] - '0'), &value);
  for (const Unit& unit : units) {
    if (i == 0 || text.compare(i, std::string::npos, unit.name) != 0) continue;
    overflow |= __builtin_mul_overflow(value, unit.factor, &value);
    if (overflow || value > (uint64_t{1} << 62)) throw CLI::ValidationError(text, "is too large");
    return value;
  }
  throw CLI::ValidationError(text, expected);
}

}  // namespace

int exit_status(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::bad_input:
    case ErrorKind::refused:
      return exit_failed;
    case ErrorKind::machine:
      return exit_machine;
    case ErrorKind::internal:
      return exit_internal;
  }
  return exit_internal;
}

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::bad_input:
      return "bad-input";
    case ErrorKind::refused:
      return "refused";
    case ErrorKind::machine:
      return "machine";
    case ErrorKind::internal:
      return "internal";
  }
  return "internal";
}

void add_json(CLI::App& command) { command.add_flag("--json", json, "print JSON"); }

bool json_wanted() { return json; }

void look_for_json(int count, char** arguments) {
  json = std::any_of(arguments, arguments + count, [](std::string_view word) { return word == "--json"; });
}

bool print_json(const Json& document) {
  const std::string text = document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return true;
  if (lost == 0) lost = errno;
  return false;
}

namespace {

// The length of the UTF-8 character that `text` begins with; 0 when it is none, or a control character.
size_t printable_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(text[i])); };
  const uint32_t first = byte(0);
  if (first < 0x80) return (first >= 0x20 && first != 0x7f) || first == '\t' ? 1 : 0;
  const size_t length = first >= 0xf0 && first < 0xf5 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (length == 0 || first >= 0xf5 || length > text.size()) return 0;
  uint32_t code = first & (0x7fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3f);
  }
  constexpr std::array<uint32_t, 5> smallest = {0, 0, 0xa0, 0x800, 0x10000};  // U+0080 to U+009f are control characters
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  return code < smallest[length] || code > 0x10ffff || surrogate ? 0 : length;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const size_t length = printable_length(text);
    if (length == 0) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
    } else {
      result += text.substr(0, length);
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return result;
}

void complain(std::string_view line) {
  std::string text(line);
  text += '\n';
  std::fputs(text.c_str(), stderr);
}

int finish_output(int status, int error) {
  if (error == 0) error = lost;
  if (std::fflush(stdout) != 0 && error == 0) error = errno;
  if ((error == 0 && std::ferror(stdout) == 0) || error == EPIPE) return status;
  complain(fmt::format("vbpf: cannot write the answer: {}", error == 0 ? "output error" : std::strerror(error)));
  return status == exit_ok ? exit_failed : status;
}

int report(const Error& error) {
  if (json) print_json({{"error", {{"kind", to_string(error.kind)}, {"message", error.message}}}});
  complain("vbpf: " + printable(error.message));
  return exit_status(error.kind);
}

namespace {

constexpr std::array register_names = {"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8",
                                       "r9",  "r10", "r11", "r12", "r13", "r14", "r15", "rip", "rflags"};

std::array<uint64_t, register_names.size()> register_values(const Registers& r) {
  return {r.rax, r.rbx, r.rcx, r.rdx, r.rsi, r.rdi, r.rbp, r.rsp, r.r8,
          r.r9,  r.r10, r.r11, r.r12, r.r13, r.r14, r.r15, r.rip, r.rflags};
}

}  // namespace

Json fault_json(const Fault& fault, bool registers) {
  Json result{{"kind", to_string(fault.kind)},     {"address", fault.address},
              {"address_is", fault.address_is},    {"message", printable(fault.message)},
              {"symbol", printable(fault.symbol)}, {"symbol_offset", fault.symbol_offset},
              {"line", printable(fault.line)}};
  if (registers) {
    const auto values = register_values(fault.registers);
    Json& all = result["registers"] = Json::object();
    for (size_t i = 0; i < values.size(); ++i) all[register_names[i]] = fmt::format("{:#x}", values[i]);
  }
  return result;
}

std::string fault_text(const Fault& fault, bool registers) {
  std::string text{to_string(fault.kind)};
  if (!fault.address_is.empty()) text += fmt::format(" at {:#x} ({})", fault.address, fault.address_is);
  if (!fault.symbol.empty()) text += fmt::format(" in {}+{:#x}", printable(fault.symbol), fault.symbol_offset);
  if (!fault.line.empty()) text += fmt::format(", {}", printable(fault.line));
  if (!fault.message.empty()) text += fmt::format(": {}", printable(fault.message));
  if (registers) {
    const auto values = register_values(fault.registers);
    for (size_t i = 0; i < values.size(); ++i)
      text += fmt::format("{}{:>6} {:016x}", i % 3 == 0 ? "\n   " : "  ", register_names[i], values[i]);
  }
  return text;
}

std::string place_text(const Json& shown) {
  if (shown.contains("target_pid")) return fmt::format("process {}", shown["target_pid"].get<int>());
  return shown.value("device", std::string("-"));
}

const char* verdict_name(uint64_t verdict) {
  constexpr std::array names = {"XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX", "XDP_REDIRECT"};
  return verdict < names.size() ? names[verdict] : "unknown";
}

const char* concurrency_name(uint32_t concurrency) {
  if (concurrency == VBPF_CONCURRENCY_SHARED) return "shared";
  return concurrency == VBPF_CONCURRENCY_SERIAL ? "serial" : "per_cpu";
}

std::chrono::nanoseconds parse_duration(const std::string& text) {
  const uint64_t value =
      parse_with_unit(text, {{"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}, {"", 1}},
                      "is no duration: write 100ns, 500us, 10ms or 1s");
  return std::chrono::nanoseconds(static_cast<int64_t>(value));
}

std::string duration_text(std::chrono::nanoseconds duration) {
  const auto ns = duration.count();
  if (ns % 1'000'000'000 == 0) return fmt::format("{}s", ns / 1'000'000'000);
  if (ns % 1'000'000 == 0) return fmt::format("{}ms", ns / 1'000'000);
  if (ns % 1'000 == 0) return fmt::format("{}us", ns / 1'000);
  return fmt::format("{}ns", ns);
}

uint64_t parse_size(const std::string& text) {
  return parse_with_unit(text, {{"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}},
                         "is no size: write 4096, 64K, 16M or 1G");
}

void ConfineOptions::add(CLI::App& command) {
  command.add_option("--confine", confine, "how it is confined: auto (the strongest here), pku, sfi")
      ->check(CLI::IsMember({"auto", "pku", "sfi"}));
  command.add_flag("--unconfined", unconfined, "no confinement at all: for benchmarks of code you trust")
      ->excludes("--confine");
  command.add_option("--budget", budget, "CPU time one invocation may take (10ms; units ns, us, ms, s)");
  command.add_option("--stack-size", stack_size, "bytes of stack (the manifest's, else 64K; units K, M)");
  command.add_option("--heap-size", heap_size, "bytes of heap at most (the manifest's, else 64M; units K, M, G)");
}

LoadOptions ConfineOptions::load_options() const {
  LoadOptions options;
  if (confine == "pku") options.confine = Confinement::pku;
  if (confine == "sfi") options.confine = Confinement::sfi;
  if (unconfined) options.confine = Confinement::unconfined;
  options.budget = parse_duration(budget);
  if (options.budget < std::chrono::microseconds(10)) throw CLI::ValidationError(budget, "is too short: 10us at least");
  if (!stack_size.empty()) options.stack_size = parse_size(stack_size);
  if (!heap_size.empty()) options.heap_size = parse_size(heap_size);
  return options;
}

}  // namespace vbpf::cli
