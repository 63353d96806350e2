// SPDX-License-Identifier: Apache-2.0
// In the guest, on orders to and from tests/kernel/events_test: NMIs and machine checks come while extensions run on
// every CPU. The kernel's own handlers take them, and the extension goes on as it was.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <thread>

#include "attacks.h"
#include "hook_program.h"
#include "raw_extension.h"

namespace vbpf::test {
namespace {

// How many events a line of /proc/interrupts counts, on all CPUs.
uint64_t events(const std::string& name) {
  std::ifstream file("/proc/interrupts");
  uint64_t sum = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string word;
    if (!(words >> word) || word != name + ":") continue;
    for (uint64_t count; words >> count;) sum += count;
  }
  return sum;
}

// An event for that CPU, and its number afterwards is higher: only then may the next one come.
void order(const std::string& line, const std::string& event) {
  const uint64_t before = events(event);
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
  ASSERT_TRUE(eventually([&] { return events(event) > before; })) << line;
}

// On each CPU a thread runs one entry of an extension again and again, by a hook's program. None of these is made or
// goes while another runs: Linux patches the code that calls them then, which QEMU's several CPUs do not bear.
class Load {
 public:
  // What it returns has to be 0.
  Load(Attack entry, uint64_t argument, uint32_t repeat) {
    for (int cpu = 0; cpu < cpus(); ++cpu) {
      RawOptions options;
      options.name = "events" + std::to_string(cpu);
      options.budget_ns = 1'000'000'000;  // emulated CPUs may be away for long
      extensions_.push_back(std::make_unique<RawExtension>(attack_code(), attack_entries(), options));
      programs_.push_back(std::make_unique<HookProgram>(extensions_.back()->id(), chosen));
    }
    for (int cpu = 0; cpu < cpus(); ++cpu) {
      threads_.emplace_back([=, this] {
        const OnCpu here(cpu);
        const std::vector<uint64_t> packet{argument, 0, 0, 0, 0, 0, 0, entry};
        wrong_ += programs_[cpu]->run(packet, 2) != 0;  // from the third run on it has a seat
        ++running_;
        while (!stop_) wrong_ += programs_[cpu]->run(packet, repeat) != 0;
      });
    }
    EXPECT_TRUE(eventually([&] { return running_ == cpus(); }));
  }
  ~Load() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
    EXPECT_EQ(wrong_, 0u);
    for (const auto& extension : extensions_) EXPECT_EQ(extension->info().faults, 0u);
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  static int cpus() { return static_cast<int>(std::thread::hardware_concurrency()); }

 private:
  std::vector<std::unique_ptr<RawExtension>> extensions_;
  std::vector<std::unique_ptr<HookProgram>> programs_;
  std::atomic<bool> stop_{false};
  std::atomic<int> running_{0};
  std::atomic<uint64_t> wrong_{0};
  std::vector<std::thread> threads_;
};

void order_many(int count) {
  for (int i = 0; i < count; ++i) {
    order("machine check on " + std::to_string(i % Load::cpus()), "MCE");
    order("nmi", "NMI");
  }
}

TEST(Events, InLongRunsChangeNoRegister) {
  const Load load(keeps_registers, 5'000'000, 1);
  order_many(30);
}

// Much of a short run is the gate, where neither can be handled.
TEST(Events, InTheGateAreLatched) {
  const CallCount latched("inject_latched");
  const Load load(echo, 0, 100'000);
  for (int i = 0; i < 100 && latched.hits() < 20; ++i) order_many(20);
  EXPECT_GE(latched.hits(), 20u);
}

}  // namespace
}  // namespace vbpf::test
