// SPDX-License-Identifier: Apache-2.0
// The loops that every AF_XDP tutorial has, without anything else: what the hook is measured against.
#pragma once

#include <atomic>
#include <string>
#include <thread>

struct bench;  // the skeleton

namespace vbpf::xdp_bench {

enum class BareLoop { drop, forward };

// A socket on queue 0 of a device and a spinning thread. Attached by the program `to_socket`.
class Bare {
 public:
  Bare(const std::string& device, int cpu, BareLoop loop, bench* programs);
  ~Bare();
  Bare(const Bare&) = delete;
  Bare& operator=(const Bare&) = delete;
  uint64_t packets() const { return packets_.load(std::memory_order_relaxed); }

 private:
  struct Rings;
  void run(BareLoop loop, int cpu);

  Rings* rings_;
  int link_ = -1;
  std::atomic<uint64_t> packets_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// Ends the benchmark with a message.
[[noreturn]] void give_up(const std::string& what);
void pin_to(int cpu);

}  // namespace vbpf::xdp_bench
