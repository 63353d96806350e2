// SPDX-License-Identifier: Apache-2.0
// The same work as an eBPF program (the kernel's JIT, BPF_PROG_TEST_RUN) and as an extension (SFI, batches of 64), with
// the time of an empty program and an empty entry taken off: nanoseconds per packet, medians of rounds in turn. The
// packet is of another flow each time, of 4096.
//
//   ebpf_bench [--rounds N] [--packets N]     needs root
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "flow.h"
#include "kernel_flow.skel.h"
#include "vbpf/extension.h"

namespace {

constexpr uint32_t pass = 2;  // the verdict
constexpr size_t batch = 64;
using Packet = std::array<uint8_t, 64>;

[[noreturn]] void fail(const std::string& message) {
  std::fprintf(stderr, "ebpf_bench: %s\n", message.c_str());
  std::exit(1);
}

// UDP from 10.0.0.1, port `flow`, to 10.0.0.2, port 53.
Packet packet_of(unsigned flow) {
  Packet packet{};
  packet[12] = 0x08;
  packet[14] = 0x45, packet[23] = 17;
  packet[26] = 10, packet[29] = 1, packet[30] = 10, packet[33] = 2;
  packet[34] = static_cast<uint8_t>(flow >> 8), packet[35] = static_cast<uint8_t>(flow), packet[37] = 53;
  return packet;
}

// This thread's, in ns: the kernel does not count what other programs take either.
double cpu_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return 1e9 * static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec);
}

class Ebpf {
 public:
  Ebpf() : skeleton_(kernel_flow__open_and_load()) {
    if (skeleton_ == nullptr) fail("the eBPF programs cannot be loaded: run it as root");
    for (unsigned i = 0; i < FLOWS; ++i) {
      struct flow key{};
      const Packet packet = packet_of(i);
      Packet copy = packet;
      if (read_flow(copy.data(), copy.data() + copy.size(), &key) == 0) fail("not a packet of a flow");
      const uint64_t none = 0;
      if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.packets), &key, &none, BPF_ANY) != 0) fail("a map update");
    }
  }
  ~Ebpf() { kernel_flow__destroy(skeleton_); }
  Ebpf(const Ebpf&) = delete;
  Ebpf& operator=(const Ebpf&) = delete;

  // ns per run, as the kernel measures it.
  double run(const char* program, unsigned packets) const {
    Packet packet = packet_of(0), out{};
    bpf_test_run_opts options{};
    options.sz = sizeof(options);
    options.data_in = packet.data(), options.data_size_in = packet.size();
    options.data_out = out.data(), options.data_size_out = out.size();
    options.repeat = static_cast<int>(packets);
    const int descriptor = bpf_program__fd(bpf_object__find_program_by_name(skeleton_->obj, program));
    if (bpf_prog_test_run_opts(descriptor, &options) != 0) fail(std::string("running ") + program);
    if (options.retval != pass) fail(std::string(program) + " as eBPF: a wrong verdict");
    return options.duration;
  }

 private:
  kernel_flow* skeleton_;
};

class Guest {
 public:
  explicit Guest(vbpf::Confinement confinement) {
    vbpf::LoadOptions options;
    options.confine = confinement;
    auto extension = vbpf::Extension::open(VBPF_FLOW_OBJECT, options);
    if (!extension) fail(extension.error().message);
    auto instance = extension->instantiate();
    if (!instance) fail(instance.error().message);
    instance_ = std::move(*instance);
    auto window = instance_->window(batch * (sizeof(vbpf::XdpSlot) + sizeof(Packet)));
    if (!window) fail(window.error().message);
    slots_ = {reinterpret_cast<vbpf::XdpSlot*>(window->data()), batch};
    auto* data = reinterpret_cast<uint8_t*>(window->data() + batch * sizeof(vbpf::XdpSlot));
    for (size_t i = 0; i < batch; ++i, data += sizeof(Packet)) {
      const Packet packet = packet_of(static_cast<unsigned>(i * (FLOWS / batch)));
      std::copy(packet.begin(), packet.end(), data);
      slots_[i].ctx = {data, data + packet.size(), data, 1, 0, 0};
    }
    run("learn", FLOWS);
  }

  double run(const char* entry, unsigned packets) {
    const auto address = instance_->entry(entry, "xdp");
    if (!address) fail(address.error().message);
    const double begin = cpu_time();
    for (unsigned done = 0; done < packets; done += batch) {
      std::optional<vbpf::Fault> fault;
      if (instance_->call_xdp(*address, slots_, fault) != batch) fail("the extension faulted");
    }
    const double took = cpu_time() - begin;
    for (const vbpf::XdpSlot& slot : slots_)
      if (slot.verdict != pass) fail(std::string(entry) + " as an extension: a wrong verdict");
    return took / packets;
  }

 private:
  std::unique_ptr<vbpf::Instance> instance_;
  std::span<vbpf::XdpSlot> slots_;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  unsigned rounds = 15, packets = 1 << 18;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--rounds") == 0) rounds = static_cast<unsigned>(std::atoi(argv[i + 1]));
    if (std::strcmp(argv[i], "--packets") == 0) packets = static_cast<unsigned>(std::atoi(argv[i + 1]));
  }
  if (argc % 2 == 0 || rounds == 0 || packets < batch) fail("usage: ebpf_bench [--rounds N] [--packets N]");
  const Ebpf ebpf;
  Guest sfi(vbpf::Confinement::sfi), user(vbpf::Confinement::unconfined);
  const std::array<std::function<double(const char*)>, 3> ways = {
      [&](const char* name) { return ebpf.run(name, packets); },
      [&](const char* name) { return sfi.run(name, packets); },
      [&](const char* name) { return user.run(name, packets); }};
  std::printf("%-8s %8s %8s %8s\n", "", "eBPF", "sfi", "user");
  for (const char* work : {"parse", "lookup"}) {
    std::array<std::vector<double>, 3> times;
    for (unsigned round = 0; round < rounds; ++round)
      for (size_t way = 0; way < ways.size(); ++way) times[way].push_back(ways[way](work) - ways[way]("nothing"));
    std::printf("%-8s %8.1f %8.1f %8.1f\n", work, median(times[0]), median(times[1]), median(times[2]));
  }
  return 0;
}
