// SPDX-License-Identifier: Apache-2.0
// Counts instructions of work at the XDP hook, as an extension in the kernel and as eBPF, where the time stamp counter
// ticks once for each (scripts/vm --icount).
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "aho_corasick.h"
#include "firewall_rules.h"
#include "patterns.h"
#include "resident.h"
// clang-format off: the programs' header needs what is before it
#include "work.h"
#include "twins.skel.h"
// clang-format on

namespace {

using Packet = std::vector<uint8_t>;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "kernel_count: %s\n", what.c_str());
  std::exit(1);
}

// Ethernet, IPv4 from that source, UDP to that port, and a payload without what the filter looks for.
Packet udp_packet(std::array<uint8_t, 4> source, uint16_t port, size_t size) {
  Packet packet(size);
  packet[12] = 0x08;
  packet[14] = 0x45;
  packet[16] = static_cast<uint8_t>((size - 14) >> 8);
  packet[17] = static_cast<uint8_t>(size - 14);
  packet[22] = 64;
  packet[23] = 17;
  std::copy(source.begin(), source.end(), packet.begin() + 26);
  packet[36] = static_cast<uint8_t>(port >> 8);
  packet[37] = static_cast<uint8_t>(port);
  packet[38] = static_cast<uint8_t>((size - 34) >> 8);
  packet[39] = static_cast<uint8_t>(size - 34);
  for (size_t i = 42; i < size; ++i) packet[i] = static_cast<uint8_t>("GET /etc/hosts HTTP/1.1 .. <scr "[i % 32]);
  return packet;
}

struct Measured {
  double instructions;
  uint32_t verdict;
};

// Nanoseconds of the kernel's clock, which follows the time stamp counter, for each run.
Measured test_run(int program, const Packet& packet, int repeat) {
  Packet out(packet.size() + 512);
  bpf_test_run_opts options{};
  options.sz = sizeof(options);
  options.data_in = packet.data();
  options.data_size_in = static_cast<uint32_t>(packet.size());
  options.data_out = out.data();
  options.data_size_out = static_cast<uint32_t>(out.size());
  options.repeat = repeat;
  if (bpf_prog_test_run_opts(program, &options) != 0) fail(std::string("a test run failed: ") + std::strerror(errno));
  return {static_cast<double>(options.duration), options.retval};
}

// The least of several rounds: an interrupt can only add.
Measured measure(int program, const Packet& packet) {
  constexpr int rounds = 9, runs = 2000;
  Measured least = test_run(program, packet, runs);
  for (int i = 1; i < rounds; ++i)
    least.instructions = std::min(least.instructions, test_run(program, packet, runs).instructions);
  return least;
}

class Twins {
 public:
  explicit Twins(uint32_t extension) : skeleton_(twins__open(), twins__destroy) {
    if (skeleton_ == nullptr) fail("the eBPF programs could not be opened");
    skeleton_->rodata->extension = extension;
    const std::string error =
        fill_default_rules(skeleton_->rodata->rules) + fill_many_rules(skeleton_->rodata->many_rules);
    if (!error.empty()) fail(error);
    if (twins__load(skeleton_.get()) != 0) fail("the kernel did not take the eBPF programs");
    fill_automaton();
    fill_prefixes();
  }
  twins* operator->() { return skeleton_.get(); }

 private:
  void fill_prefixes() {
    const auto& rules = skeleton_->rodata->many_rules;
    const auto covers = [](const bench_rule& outer, const bench_rule& inner) {
      return (inner.prefix.high & outer.mask.high) == outer.prefix.high &&
             (inner.prefix.low & outer.mask.low) == outer.prefix.low &&
             (inner.mask.high & outer.mask.high) == outer.mask.high &&
             (inner.mask.low & outer.mask.low) == outer.mask.low;
    };
    for (const bench_rule& rule : rules) {
      const bench_prefix key{static_cast<uint32_t>(std::popcount(rule.mask.high) + std::popcount(rule.mask.low)),
                             {__builtin_bswap64(rule.prefix.high), __builtin_bswap64(rule.prefix.low)}};
      bench_rules value{};
      for (size_t i = 0; i < std::size(rules); ++i)
        if (covers(rules[i], rule)) value.rules[value.count++] = static_cast<uint8_t>(i);
      if (bpf_map__update_elem(skeleton_->maps.prefixes, &key, sizeof(key), &value, sizeof(value), BPF_ANY) != 0)
        fail("the map of prefixes cannot be filled");
    }
  }

  void fill_automaton() {
    const l7_filter::AhoCorasick automaton(l7_filter::patterns);
    if (automaton.states() > std::size(skeleton_->bss->next_state)) fail("the automaton is too large for its twin");
    for (uint32_t state = 0; state < automaton.states(); ++state) {
      for (unsigned byte = 0; byte < 256; ++byte) {
        const auto text = static_cast<uint8_t>(byte);
        l7_filter::AhoCorasick::State next = state * 256;
        const bool match = automaton.search(next, {&text, 1}) != automaton.none;
        skeleton_->bss->next_state[state][byte] = static_cast<uint8_t>(next / 256);
        if (match) skeleton_->bss->is_match[next / 256] = 1;
      }
    }
  }

  std::unique_ptr<twins, decltype(&twins__destroy)> skeleton_;
};

// Both decide alike about packets that are not as they should be: a twin that does less would be a faster one.
void compare(int extension, int ebpf) {
  const Packet udp = udp_packet({203, 0, 114, 7}, 9, 96);
  Packet tcp = udp_packet({10, 1, 2, 3}, 23, 96), ipv6(96);
  tcp[23] = 6;
  tcp[46] = 5 << 4;
  ipv6[12] = 0x86;
  ipv6[13] = 0xdd;
  ipv6[14] = 0x60;
  ipv6[19] = 42;
  ipv6[20] = 60;  // destination options, then TCP to port 23
  std::copy_n("\x20\x01\x0d\xb8\x0b\xad", 6, ipv6.begin() + 22);
  ipv6[54] = 6;
  ipv6[65] = 23;
  ipv6[74] = 5 << 4;
  constexpr uint8_t likely[] = {0,  1,  4,  5,    6,    8,    9,    17,   20,   23,   40,   42, 43,
                                44, 51, 60, 0x45, 0x46, 0x60, 0x81, 0x86, 0x88, 0xa8, 0xdd, 255};
  std::minstd_rand random(1);
  for (int i = 0; i < 6000; ++i) {
    Packet packet = std::array{udp, tcp, ipv6}[i % 3];
    for (auto tags = random() % 4; tags > 1; --tags) packet.insert(packet.begin() + 12, {0x81, 0, 0, 1});
    for (auto changes = random() % 4; changes > 0; --changes)
      packet[12 + random() % 64] = likely[random() % std::size(likely)];
    if (random() % 4 == 0) packet.resize(14 + random() % (packet.size() - 14));
    if (test_run(extension, packet, 1).verdict != test_run(ebpf, packet, 1).verdict) {
      for (uint8_t byte : packet) std::fprintf(stderr, "%02x", byte);
      fail(" is a packet about which extension and eBPF decide differently");
    }
  }
}

void row(const char* name, const std::string& object, const char* twin, const Packet& packet, const char* target) {
  vbpf::kernel::ResidentOptions options;
  options.name = "count";
  options.budget = std::chrono::milliseconds(100);
  const auto resident = vbpf::kernel::Resident::load(object, options);
  if (!resident) fail(resident.error().message);
  Twins twins(resident->id());
  const Measured extension = measure(bpf_program__fd(twins->progs.call_extension), packet);
  const bpf_program* program = bpf_object__find_program_by_name(twins->obj, twin);
  if (std::string_view(name).starts_with("firewall"))
    compare(bpf_program__fd(twins->progs.call_extension), bpf_program__fd(program));
  const Measured ebpf = measure(bpf_program__fd(program), packet);
  if (extension.verdict != ebpf.verdict)
    fail(std::string(name) + ": verdict " + std::to_string(extension.verdict) + ", of eBPF " +
         std::to_string(ebpf.verdict));
  std::printf("| %s | %.0f | %.0f | %+.0f | %.2f × | %s |\n", name, extension.instructions, ebpf.instructions,
              extension.instructions - ebpf.instructions, extension.instructions / ebpf.instructions, target);
  std::fflush(stdout);
}

// The longest of some runs that do not end by themselves, in milliseconds of the guest.
void budget_row(const char* name, bool precise, const char* target) {
  vbpf::kernel::ResidentOptions options;
  options.name = "endless";
  options.budget = std::chrono::milliseconds(1);
  options.precise = precise;
  const auto resident = vbpf::kernel::Resident::load(ENDLESS_OBJECT, options);
  if (!resident) fail(resident.error().message);
  std::chrono::nanoseconds longest{};
  for (int i = 0; i < 50; ++i) {
    const auto ran = resident->run(0, Packet(64), 1);
    if (!ran) fail(ran.error().message);
    if (!ran->fault || ran->fault->kind != vbpf::FaultKind::budget) fail("an endless loop ended by itself");
    longest = std::max(longest, ran->time);
  }
  std::printf("| %s | %.2f ms | %s |\n", name, std::chrono::duration<double, std::milli>(longest).count(), target);
}

}  // namespace

int main() {
  const Packet small = udp_packet({192, 0, 2, 1}, 7777, 64), denied = udp_packet({203, 0, 113, 9}, 7777, 64),
               large = udp_packet({192, 0, 2, 1}, 7777, 1442);
  std::printf(
      "| instructions in the kernel, of one packet, the test run's included | extension | eBPF | difference | ratio | "
      "target |\n");
  std::printf("|---|---|---|---|---|---|\n");
  row("nothing", EMPTY_OBJECT, "nothing", small, "≤ +120");
  row("loop of 1000 dependent steps", LOOP_OBJECT, "loop", small, "≤ 0.75 ×");
  row("Ethernet, IPv4, UDP in a window of 64 bytes, read-only", READ_OBJECT, "parse", small, "≤ 2 ×");
  row("the same, copied back", WRITE_OBJECT, "parse", small, "");
  row("firewall of 6 rules, a packet that passes", FIREWALL_OBJECT, "firewall", small, "≤ 0.8 ×");
  row("firewall of 6 rules, a packet that is denied", FIREWALL_OBJECT, "firewall", denied, "");
  row("firewall of 64 rules, a packet that passes", MANY_OBJECT, "firewall_many", small, "≤ 0.8 ×");
  row("firewall of 64 rules, a packet that is denied", MANY_OBJECT, "firewall_many", denied, "");
  row("l7_filter, UDP with 1400 bytes of payload", L7_FILTER_OBJECT, "l7_filter", large, "≤ 0.8 ×");
  row("l7_filter, UDP with 22 bytes of payload", L7_FILTER_OBJECT, "l7_filter", small, "");
  std::printf("\n| an endless loop with a budget of 1 ms, the longest of 50 | ended after | target |\n|---|---|---|\n");
  budget_row("at the next tick (250 Hz)", false, "≤ 6 ms");
  budget_row("precise", true, "≤ 1.5 ms");
  std::printf(
      "\nA call writes PKRS twice and loads the interrupt table twice, whatever it does; each interrupt or import "
      "meanwhile "
      "does so once more. On hardware these are what costs.\n");
  return 0;
}
