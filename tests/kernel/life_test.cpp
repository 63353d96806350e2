// SPDX-License-Identifier: Apache-2.0
// Extensions come and go: what follows a fault, keys that are passed round, frames that others would like to write, and
// nothing left behind. With code that no verifier has seen.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <fstream>
#include <memory>
#include <sstream>
#include <thread>

#include "attacks.h"
#include "raw_extension.h"

namespace vbpf::test {
namespace {

RawExtension make(const RawOptions& options, std::span<const uint64_t> constructors = {}) {
  return {attack_code(), attack_entries(), options, constructors};
}

// So many at the same time, of the same name but for a number.
std::vector<std::unique_ptr<RawExtension>> make_many(size_t count, const std::string& name,
                                                     const std::vector<uint32_t>& concurrency) {
  std::vector<std::unique_ptr<RawExtension>> extensions;
  for (size_t i = 0; i < count; ++i) {
    RawOptions options;
    options.name = name + std::to_string(i);
    options.concurrency = concurrency[i % concurrency.size()];
    options.budget_ns = 500'000'000;
    extensions.push_back(std::make_unique<RawExtension>(attack_code(), attack_entries(), options));
  }
  return extensions;
}

// Runs until the instance is open again.
Ran run_when_open(const RawExtension& extension, Attack entry, const std::vector<uint64_t>& words = {}) {
  Ran ran;
  eventually([&] {
    ran = extension.run(entry, words);
    return ran.error != EBUSY;
  });
  return ran;
}

class AfterFault : public ::testing::TestWithParam<uint32_t> {};

TEST_P(AfterFault, RestartMakesAFreshInstance) {
  const OnCpu here(0);
  RawOptions options;
  options.name = "restarts";
  options.concurrency = GetParam();
  options.on_fault = VBPF_ON_FAULT_RESTART;
  options.max_restarts = 3;
  const std::vector<uint64_t> constructors{static_cast<uint64_t>(attack_constructor - attacks_start)};
  const RawExtension extension = make(options, constructors);
  EXPECT_EQ(extension.run(count).retval, 2u);  // the constructor was the first
  EXPECT_EQ(extension.run(count).retval, 3u);
  EXPECT_EQ(extension.run(write_offset, {0x40005000}).error, 0);
  EXPECT_EQ(extension.run(read_offset, {0x40005000}).error, 0);
  const uint64_t memory = extension.info().memory;
  for (uint64_t restart = 1; restart <= 3; ++restart) {
    EXPECT_EQ(run_when_open(extension, read, {0}).error, ECANCELED);
    const Ran after = run_when_open(extension, count);
    EXPECT_EQ(after.error, 0);
    EXPECT_EQ(after.retval, 2u);
    EXPECT_EQ(extension.info().restarts, restart);
    EXPECT_LT(extension.info().memory, memory);  // the heap is gone
  }
  EXPECT_EQ(run_when_open(extension, undefined).error, ECANCELED);
  EXPECT_TRUE(eventually([&] { return extension.info().state == VBPF_STATE_DETACHED; }));
  EXPECT_EQ(extension.run(count).error, EINVAL);
  EXPECT_EQ(extension.info().restarts, 3u);
  EXPECT_EQ(extension.info().faults, 4u);
}
INSTANTIATE_TEST_SUITE_P(Concurrency, AfterFault, ::testing::Values(0u, 1u, 2u));

// Runs of a shared instance that are inside when another faults end before it begins anew.
TEST(AfterFaults, RestartWaitsForRunsThatAreInside) {
  RawOptions options;
  options.name = "shared";
  options.concurrency = 1;
  options.on_fault = VBPF_ON_FAULT_RESTART;
  options.max_restarts = 1'000'000;
  options.budget_ns = 500'000'000;
  const RawExtension extension = make(options);
  std::atomic<bool> done{false};
  std::atomic<uint64_t> wrong{0}, faults{0};
  std::vector<std::thread> threads;
  for (unsigned cpu = 0; cpu < std::thread::hardware_concurrency(); ++cpu) {
    threads.emplace_back([&, cpu] {
      const OnCpu here(static_cast<int>(cpu));
      while (!done) {
        const Ran ran = extension.run(keeps_registers, {20'000});
        if (ran.error != EBUSY && (ran.error != 0 || ran.retval != 0)) ++wrong;
        if (cpu == 0 && extension.run(read, {0}).error == ECANCELED) ++faults;
      }
    });
  }
  EXPECT_TRUE(eventually([&] { return faults > 20 && extension.info().restarts > 10; }));
  done = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0u);
  EXPECT_TRUE(eventually([&] { return extension.info().restarts + 1 >= faults; }));
  EXPECT_EQ(run_when_open(extension, nothing).retval, 2u);
}

TEST(AfterFaults, DetachEndsItAtOnce) {
  RawOptions options;
  options.name = "detaches";
  options.on_fault = VBPF_ON_FAULT_DETACH;
  const RawExtension extension = make(options);
  EXPECT_EQ(extension.run(nothing).error, 0);
  EXPECT_EQ(extension.run(divide_by_zero).error, ECANCELED);
  EXPECT_EQ(extension.info().state, VBPF_STATE_DETACHED);
  EXPECT_EQ(extension.run(nothing).error, EINVAL);
}

TEST(AfterFaults, PassGoesOnWithWhatIsThere) {
  const OnCpu here(0);
  RawOptions options;
  options.name = "passes";
  options.on_fault = VBPF_ON_FAULT_PASS;
  const RawExtension extension = make(options);
  EXPECT_EQ(extension.run(count).retval, 1u);
  EXPECT_EQ(extension.run(undefined).error, ECANCELED);
  EXPECT_EQ(extension.run(count).retval, 2u);
  EXPECT_EQ(extension.info().state, VBPF_STATE_RUNNING);
}

// More extensions than keys: each finds its own memory, on every CPU, and nobody another's.
TEST(Keys, ArePassedRound) {
  constexpr size_t many = 20;
  const auto extensions = make_many(many, "key", {1});
  const unsigned cpus = std::thread::hardware_concurrency();
  uint32_t expected = 0;
  for (int round = 0; round < 20; ++round) {
    const OnCpu here(round % static_cast<int>(cpus));
    ++expected;
    for (size_t i = 0; i < many; ++i) {
      ASSERT_EQ(extensions[i]->run(count).retval, expected) << "extension " << i << ", round " << round;
      // What had the key before has it no longer: in no TLB.
      for (const size_t other : {(i + many - 7) % many, (i + many - 1) % many, (i + 1) % many}) {
        const uint64_t address = extensions[other]->base(0) + RawExtension::data_offset + 8;
        ASSERT_EQ(extensions[i]->run(read, {address}).error, ECANCELED) << i << " reads " << other;
        ASSERT_EQ(extensions[i]->run(write, {address}).error, ECANCELED) << i << " writes " << other;
      }
    }
  }
  EXPECT_GT(extensions[0]->info().key_changes, 10u);
}

// While every CPU runs others, so that no key is idle for long.
TEST(Keys, AreTakenFromNobodyWhoRuns) {
  constexpr size_t many = 12;
  const auto extensions = make_many(many, "busy", {0, 1});
  std::atomic<uint64_t> wrong{0}, busy{0}, runs{0};
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < 2 * std::thread::hardware_concurrency(); ++thread) {
    threads.emplace_back([&, thread] {
      for (uint64_t i = 0; i < 2000; ++i) {
        const RawExtension& extension = *extensions[(i * (thread + 1) + thread) % many];
        const Ran ran = extension.run(loop_a_while, {i + 1});
        if (ran.error == EBUSY) {
          ++busy;
        } else if (ran.error != 0 || ran.retval != i + 1) {
          ++wrong;
        }
        ++runs;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0u);
  EXPECT_LT(busy, runs / 10);
}

// An event's frame lies on a page of the slot's own key. Other CPUs, inside the same extension, try to change it.
TEST(Race, NobodyElseWritesAnEventsFrame) {
  constexpr uint64_t tries_wanted = 100'000, stack_stride = 0x20000, stack_size = 0x10000, slots = 7;
  const unsigned cpus = std::thread::hardware_concurrency();
  if (cpus < 2) GTEST_SKIP() << "one CPU: nobody else is there";
  RawOptions options;
  options.name = "race";
  options.concurrency = 1;
  options.budget_ns = 500'000'000;
  const RawExtension extension = make(options);
  // CPU 0 has the first slot, as long as it is alone.
  const uint64_t top = [&] {
    const OnCpu here(0);
    return extension.run(undefined).fault.stack_top;
  }();
  ASSERT_NE(top, 0u);
  const uint64_t pages = top - stack_size + slots * stack_stride;
  // The frame of an event, of an NMI, of a machine check, the alias it is resumed from, and the stack with return
  // addresses.
  const std::vector<uint64_t> targets{
      pages + 0x1000 - 40, pages + 0x3000 - 16 - 40, pages + 0x7000 - 40, pages + 0x4000 + 24, top - 8, top - 16};
  std::atomic<bool> done{false};
  std::atomic<uint64_t> tries{0}, written{0}, hijacked{0}, victims{0};
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    const OnCpu here(0);
    while (!done) {
      const Ran ran = extension.run(keeps_registers, {200'000});
      if (ran.error != 0 || ran.retval != 0) ++hijacked;
      ++victims;
    }
  });
  for (unsigned cpu = 1; cpu < cpus; ++cpu) {
    threads.emplace_back([&, cpu] {
      const OnCpu here(static_cast<int>(cpu));
      for (uint64_t i = cpu; tries < tries_wanted; ++i) {
        const Ran ran = extension.run(write, {targets[i % targets.size()]});
        if (ran.error == EBUSY) continue;
        if (ran.error != ECANCELED) ++written;
        ++tries;
      }
    });
  }
  for (size_t i = 1; i < threads.size(); ++i) threads[i].join();
  done = true;
  threads[0].join();
  EXPECT_GE(tries, tries_wanted);
  EXPECT_EQ(written, 0u);
  EXPECT_EQ(hijacked, 0u);
  std::printf("%lu tries, %lu runs of the victim, %lu writes, %lu hijacks\n", tries.load(), victims.load(),
              written.load(), hijacked.load());
}

// KiB that the kernel has taken for itself.
uint64_t kernel_memory() {
  std::ifstream file("/proc/meminfo");
  uint64_t sum = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string key;
    uint64_t value = 0;
    fields >> key >> value;
    if (key == "SUnreclaim:" || key == "VmallocUsed:" || key == "PageTables:" || key == "SecPageTables:" ||
        key == "Percpu:")
      sum += value;
  }
  return sum;
}

uint64_t free_memory() {
  std::ifstream file("/proc/meminfo");
  std::string key;
  uint64_t value = 0;
  while (file >> key >> value && key != "MemFree:") file.ignore(100, '\n');
  return value;
}

uint64_t vmalloc_areas() {
  std::ifstream file("/proc/vmallocinfo");
  uint64_t lines = 0;
  for (std::string line; std::getline(file, line);) ++lines;
  return lines;
}

void come_and_go(int times) {
  static constexpr Attack ends[] = {read, recurse, divide_by_zero, undefined, abort, call_indirect, nothing};
  for (int i = 0; i < times; ++i) {
    RawOptions options;
    options.name = "cycle";
    options.concurrency = static_cast<uint32_t>(i) % 3;
    options.on_fault = static_cast<uint32_t>(i / 3) % 3;
    options.max_restarts = 10;
    const RawExtension extension = make(options);
    ASSERT_EQ(extension.run(write_offset, {0x40003000}).error, 0);
    const Attack end = ends[static_cast<size_t>(i) % std::size(ends)];
    ASSERT_EQ(extension.run(end, {0}).error, end == nothing ? 0 : ECANCELED);
    if (i % 2 == 0) {
      if (extension.info().state == VBPF_STATE_RUNNING) extension.keep();
      extension.unload();
    }
  }
}

TEST(Memory, ComesBackAfterTenThousandCrashes) {
  std::ofstream("/sys/kernel/rcu_expedited") << 1;
  come_and_go(300);
  ::sleep(1);
  const uint64_t areas = vmalloc_areas(), kernel = kernel_memory(), free = free_memory();
  come_and_go(10'000);
  ::sleep(1);
  std::printf("vmalloc areas %lu, then %lu; kernel memory %lu KiB, then %lu; free %lu KiB, then %lu\n", areas,
              vmalloc_areas(), kernel, kernel_memory(), free, free_memory());
  // Threads of the kernel come and go with their stacks.
  EXPECT_LT(vmalloc_areas(), areas + 10);
  // A page for each ten would be 4000 KiB.
  EXPECT_LT(kernel_memory(), kernel + 1000);
  // The kernel keeps the page tables of all addresses that vmalloc() has ever used, and regions move about: the slower
  // the machine, the more (1700 to 7000 KiB were seen). A page for each extension would be 40000 KiB.
  EXPECT_GT(free_memory() + 16000, free);
}

}  // namespace
}  // namespace vbpf::test
