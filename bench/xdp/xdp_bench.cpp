// SPDX-License-Identifier: Apache-2.0
// Packets per second at the XDP hook, on a veth pair, against what the kernel and a bare AF_XDP loop do.
//
//   xdp_bench [--rounds N] [--seconds S] [--only drop|pass|transmit|latency] [--json FILE]
//
// All ways are measured in turn, in every round, with the same generator: 64-byte packets as live frames from the other
// end, on CPU 0; whoever handles them has CPU 1. Shown are medians over the rounds, and the median of the rounds'
// ratios.
#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <vector>

#include "bare.h"
#include "bench.skel.h"
#include "private_device.h"
#include "xdp_hook.h"

namespace vbpf::xdp_bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int generator_cpu = 0, handler_cpu = 1;
constexpr auto tcx_ingress = static_cast<bpf_attach_type>(46);

int rounds = 5;
double seconds = 0.5;

void run(const char* command) {
  if (std::system(command) != 0) give_up(std::string("failed: ") + command);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

int attach(const bpf_program* program, const char* device, bpf_attach_type type, uint32_t flags) {
  bpf_link_create_opts options{};
  options.sz = sizeof(options);
  options.flags = flags;
  const int link = bpf_link_create(bpf_program__fd(program), static_cast<int>(if_nametoindex(device)), type, &options);
  if (link < 0) give_up(std::string("attaching to ") + device + ": " + std::strerror(errno));
  return link;
}

// Sends 64-byte packets from "far" to "near" while it lives.
class Generator {
 public:
  explicit Generator(int program) {
    thread_ = std::thread([this, program] {
      pin_to(generator_cpu);
      std::array<uint8_t, 64> packet{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x88, 0xb5};
      xdp_md context{};
      context.data_end = packet.size();
      context.ingress_ifindex = if_nametoindex("far");
      while (!stop_.load(std::memory_order_relaxed)) {
        bpf_test_run_opts options{};
        options.sz = sizeof(options);
        options.data_in = packet.data();
        options.data_size_in = packet.size();
        options.ctx_in = &context;
        options.ctx_size_in = sizeof(context);
        options.repeat = 4096;
        options.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
        options.batch_size = 64;
        if (const int error = bpf_prog_test_run_opts(program, &options); error != 0)
          give_up(std::string("the generator: ") + std::strerror(-error));
      }
    });
  }
  ~Generator() {
    stop_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

class Bench {
 public:
  Bench();
  double rate(const std::function<uint64_t()>& count) const;
  uint64_t arrived() const;
  std::unique_ptr<xdp::Hook> hook(const char* extension) const;
  bench* programs() const { return programs_; }

 private:
  bench* programs_;
  std::unique_ptr<xdp::PrivateDevice> generator_home_;
};

Bench::Bench() {
  // Everything in a namespace without a name: it goes with the process.
  if (::unshare(CLONE_NEWNET) != 0) give_up("needs root, for network namespaces and XDP");
  run("ip link add near type veth peer name far && ip link set near up && ip link set far up");
  programs_ = bench__open_and_load();
  if (programs_ == nullptr) give_up("the eBPF programs do not load");
  auto home = xdp::PrivateDevice::attach(bpf_program__fd(programs_->progs.generate));
  if (!home) give_up(home.error().message);
  generator_home_ = std::make_unique<xdp::PrivateDevice>(std::move(*home));
}

uint64_t Bench::arrived() const {
  std::vector<uint64_t> values(static_cast<size_t>(libbpf_num_possible_cpus()));
  const uint32_t zero = 0;
  bpf_map_lookup_elem(bpf_map__fd(programs_->maps.arrived), &zero, values.data());
  uint64_t sum = 0;
  for (const uint64_t value : values) sum += value;
  return sum;
}

// Packets per second that `count` sees, after a moment to come up to speed.
double Bench::rate(const std::function<uint64_t()>& count) const {
  const Generator generator(bpf_program__fd(programs_->progs.generate));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const uint64_t before = count();
  const auto start = Clock::now();
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  const uint64_t packets = count() - before;
  return static_cast<double>(packets) / std::chrono::duration<double>(Clock::now() - start).count();
}

std::unique_ptr<xdp::Hook> Bench::hook(const char* name) const {
  auto extension = Extension::open(std::string(XDP_EXTENSIONS) + "/" + name + ".o", {});
  if (!extension) give_up(extension.error().message);
  xdp::Options options;
  options.device = "near";
  auto hook = xdp::Hook::attach(*extension, options, nullptr);
  if (!hook) give_up(hook.error().message);
  return std::move(*hook);
}

uint64_t packets_of(const xdp::Hook& hook) { return hook.stats()[0].packets; }

double drop_by_hook(const Bench& bench) {
  const auto hook = bench.hook("drop");
  return bench.rate([&] { return packets_of(*hook); });
}

double drop_by_bare_loop(const Bench& bench) {
  const Bare bare("near", handler_cpu, BareLoop::drop, bench.programs());
  return bench.rate([&] { return bare.packets(); });
}

// Passed packets end in a tc program on the same device.
double pass_by_hook(const Bench& bench) {
  const int end = attach(bench.programs()->progs.count_and_shoot, "near", tcx_ingress, 0);
  double rate = 0;
  {
    const auto hook = bench.hook("pass");
    rate = bench.rate([&] { return bench.arrived(); });
  }
  ::close(end);
  return rate;
}

double pass_by_ebpf(const Bench& bench) {
  const int end = attach(bench.programs()->progs.count_and_shoot, "near", tcx_ingress, 0);
  const int link = attach(bench.programs()->progs.pass, "near", BPF_XDP, XDP_FLAGS_DRV_MODE);
  const double rate = bench.rate([&] { return bench.arrived(); });
  ::close(link);
  ::close(end);
  return rate;
}

// Sent packets end in an XDP program on the far device.
double transmit_by_hook(const Bench& bench) {
  const int end = attach(bench.programs()->progs.count_and_drop, "far", BPF_XDP, XDP_FLAGS_DRV_MODE);
  double rate = 0;
  {
    const auto hook = bench.hook("transmit");
    rate = bench.rate([&] { return bench.arrived(); });
  }
  ::close(end);
  return rate;
}

double transmit_by_bare_loop(const Bench& bench) {
  const int end = attach(bench.programs()->progs.count_and_drop, "far", BPF_XDP, XDP_FLAGS_DRV_MODE);
  double rate = 0;
  {
    const Bare bare("near", handler_cpu, BareLoop::forward, bench.programs());
    rate = bench.rate([&] { return bench.arrived(); });
  }
  ::close(end);
  return rate;
}

int packet_socket(const char* device, uint16_t protocol) {
  const int made = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(protocol);
  address.sll_ifindex = static_cast<int>(if_nametoindex(device));
  if (::bind(made, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) give_up("a packet socket");
  return made;
}

// Microseconds from sending one packet at "far" to receiving it from "near"'s network stack, one packet a millisecond.
double lone_packets() {
  const int far = packet_socket("far", 0), near = packet_socket("near", 0x88b5);
  std::array<uint8_t, 64> packet{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x88, 0xb5};
  std::array<uint8_t, 2048> got;
  std::vector<double> times;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  while (Clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const auto start = Clock::now();
    if (::send(far, packet.data(), packet.size(), 0) < 0) give_up("sending one packet");
    while (::recv(near, got.data(), got.size(), 0) < 0 && Clock::now() - start < std::chrono::seconds(1)) continue;
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
  }
  ::close(far);
  ::close(near);
  return median(times);
}

double lone_packet() {
  double time = 0;
  std::thread([&] {
    pin_to(generator_cpu);
    time = lone_packets();
  }).join();
  return time;
}

double lone_by_hook(const Bench& bench) {
  const auto hook = bench.hook("pass");
  return lone_packet();
}

double lone_by_ebpf(const Bench& bench) {
  const int link = attach(bench.programs()->progs.pass, "near", BPF_XDP, XDP_FLAGS_DRV_MODE);
  const double time = lone_packet();
  ::close(link);
  return time;
}

struct Comparison {
  const char* name;
  const char* against;
  const char* unit;
  double scale;
  double (*ours)(const Bench&);
  double (*theirs)(const Bench&);
  bool difference;  // else the ratio
  double target;    // at least, or at most for a difference
};

constexpr std::array comparisons = {
    Comparison{"drop", "bare AF_XDP receive loop", "Mpps", 1e-6, drop_by_hook, drop_by_bare_loop, false, 0.85},
    Comparison{"pass", "eBPF XDP_PASS, both to a tc drop", "Mpps", 1e-6, pass_by_hook, pass_by_ebpf, false, 0.7},
    Comparison{"transmit", "bare AF_XDP forwarding loop", "Mpps", 1e-6, transmit_by_hook, transmit_by_bare_loop, false,
               1.2},
    Comparison{"latency", "eBPF XDP_PASS, one lone packet", "us", 1, lone_by_hook, lone_by_ebpf, true, 60},
};

int measure(const std::string& only, const char* json) {
  const Bench bench;
  std::map<std::string, std::array<std::vector<double>, 3>> results;
  for (int round = 0; round < rounds; ++round) {
    for (const Comparison& one : comparisons) {
      if (!only.empty() && only != one.name) continue;
      const double ours = one.ours(bench) * one.scale, theirs = one.theirs(bench) * one.scale;
      auto& [all_ours, all_theirs, all_ratios] = results[one.name];
      all_ours.push_back(ours);
      all_theirs.push_back(theirs);
      all_ratios.push_back(one.difference ? ours - theirs : ours / theirs);
    }
  }
  std::printf("%-9s %8s %8s %-5s %8s  %-8s %s\n", "", "vBPF", "other", "", "ratio", "target", "against");
  FILE* out = json != nullptr ? std::fopen(json, "w") : nullptr;
  if (out != nullptr) std::fprintf(out, "[");
  bool first = true;
  for (const Comparison& one : comparisons) {
    if (!results.contains(one.name)) continue;
    const auto& [ours, theirs, ratios] = results[one.name];
    std::printf("%-9s %8.2f %8.2f %-5s %8.2f  %s %-5.2f %s\n", one.name, median(ours), median(theirs), one.unit,
                median(ratios), one.difference ? "<=" : ">=", one.target, one.against);
    if (out == nullptr) continue;
    std::fprintf(out,
                 "%s\n  {\"name\": \"%s\", \"unit\": \"%s\", \"vbpf\": %.4f, \"other\": %.4f, \"%s\": %.4f, "
                 "\"target\": %.2f, \"against\": \"%s\"}",
                 first ? "" : ",", one.name, one.unit, median(ours), median(theirs),
                 one.difference ? "difference" : "ratio", median(ratios), one.target, one.against);
    first = false;
  }
  if (out != nullptr) {
    std::fprintf(out, "\n]\n");
    std::fclose(out);
  }
  return 0;
}

int main_of(int count, char** arguments) {
  std::string only;
  const char* json = nullptr;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string name = arguments[i];
    if (name == "--rounds")
      rounds = std::atoi(arguments[i + 1]);
    else if (name == "--seconds")
      seconds = std::atof(arguments[i + 1]);
    else if (name == "--only")
      only = arguments[i + 1];
    else if (name == "--json")
      json = arguments[i + 1];
    else
      give_up("unknown option " + name);
  }
  if (count % 2 == 0)
    give_up("usage: xdp_bench [--rounds N] [--seconds S] [--only drop|pass|transmit|latency] [--json FILE]");
  return measure(only, json);
}

}  // namespace
}  // namespace vbpf::xdp_bench

int main(int count, char** arguments) { return vbpf::xdp_bench::main_of(count, arguments); }
