// SPDX-License-Identifier: Apache-2.0
// Seats: a CPU calls the entry it calls most from a run that is kept prepared. Everything that such a run relies on is
// taken away here, while it is idle and while it runs.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "attacks.h"
#include "hook_program.h"
#include "raw_extension.h"

namespace vbpf::test {
namespace {

constexpr uint32_t aborted = 0, pass = 2;

RawExtension make(const std::string& name, uint32_t on_fault = VBPF_ON_FAULT_PASS, uint32_t max_restarts = 0) {
  RawOptions options;
  options.name = name;
  options.on_fault = on_fault;
  options.max_restarts = max_restarts;
  options.budget_ns = 500'000'000;  // emulated CPUs may be away for long
  return {attack_code(), attack_entries(), options};
}

std::vector<uint64_t> packet(Attack attack, uint64_t word = 0) { return {word, 0, 0, 0, 0, 0, 0, attack}; }

int cpus() { return static_cast<int>(std::thread::hardware_concurrency()); }

// A thread on each CPU calls `body` until the end of its life.
class OnEachCpu {
 public:
  explicit OnEachCpu(const std::function<void(int)>& body) {
    for (int cpu = 0; cpu < cpus(); ++cpu)
      threads_.emplace_back([this, body, cpu] {
        const OnCpu here(cpu);
        while (!stop_) body(cpu);
      });
  }
  OnEachCpu(const OnEachCpu&) = delete;
  OnEachCpu& operator=(const OnEachCpu&) = delete;
  ~OnEachCpu() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

TEST(Seats, AreTakenFromTheThirdCallOn) {
  const OnCpu here(0);
  const RawExtension extension = make("seated");
  const HookProgram program(extension.id(), chosen);
  const CallCount seated("copy_and_run_in_seat");
  EXPECT_EQ(program.run(packet(echo, 77), 2), 77u);
  const uint64_t before = seated.hits();
  EXPECT_EQ(program.run(packet(echo, 78), 100), 78u);
  EXPECT_EQ(seated.hits() - before, 100u);
  EXPECT_EQ(extension.info().invocations, 102u);
}

TEST(Seats, ReturnWhatWasReturnedAfterInterrupts) {
  const OnCpu here(0);
  const RawExtension extension = make("interrupted");
  const HookProgram program(extension.id(), chosen);
  program.run(packet(nothing), 2);
  for (uint64_t i = 0; i < 20; ++i) ASSERT_EQ(program.run(packet(loop_a_while, 3'000'000 + i)), 3'000'000 + i);
  for (uint64_t i = 0; i < 20; ++i) ASSERT_EQ(program.run(packet(keeps_registers, 1'000'000)), 0u);
  EXPECT_EQ(extension.info().faults, 0u);
}

TEST(Seats, AreSharedByExtensionsThatTakeTurns) {
  const OnCpu here(0);
  const RawExtension one = make("one"), two = make("two");
  const HookProgram first(one.id(), chosen), second(two.id(), chosen);
  for (uint64_t i = 0; i < 300; ++i) {
    ASSERT_EQ(first.run(packet(echo, i), 1 + i % 4), i);
    ASSERT_EQ(second.run(packet(echo, i + 1000), 1 + i % 3), i + 1000);
    ASSERT_EQ(one.run(echo, {i + 2000}).retval, i + 2000);
  }
  EXPECT_EQ(first.run(packet(count), 5), 5u);
}

TEST(Seats, OfTheUnloadedAreNotCalled) {
  for (int round = 0; round < 15; ++round) {
    const RawExtension extension = make("unloaded");
    const HookProgram program(extension.id(), chosen);
    std::atomic<uint64_t> calls{0}, wrong{0};
    {
      const OnEachCpu callers([&](int) {
        const uint32_t verdict = program.run(packet(echo, 7), 50);
        if (verdict != 7 && verdict != aborted) ++wrong;
        ++calls;
      });
      ASSERT_TRUE(eventually([&] { return calls > 8; }));
      extension.unload();
      // Nothing runs it from here on, whatever is prepared.
      const uint64_t invocations = extension.info().invocations, called = calls;
      ASSERT_TRUE(eventually([&] { return calls > called + 8; }));
      EXPECT_EQ(extension.info().invocations, invocations);
    }
    EXPECT_EQ(wrong, 0u);
    EXPECT_EQ(program.run(packet(echo, 7)), aborted);
  }
}

// What a seat's word is when nothing is prepared, or while it runs, is no key of an entry.
TEST(Seats, AreNotToBeHadByOddNumbers) {
  const OnCpu here(0);
  {
    const RawExtension extension = make("odd");
    const HookProgram program(extension.id(), chosen);
    ASSERT_EQ(program.run(packet(echo, 7), 5), 7u);
  }
  for (const uint32_t id : {0u, 1u, 0x7fffffffu, 0x80000000u, 0xffffffffu})
    for (const uint32_t entry : {0u, 1u, 0x7fffffffu, 0x80000000u, 0xffffffffu})
      EXPECT_EQ(HookProgram(id, entry).run(packet(echo, 7), 5), aborted) << id << ", " << entry;
}

// The last descriptor is closed, and the memory goes.
TEST(Seats, OfTheGoneAreNotCalled) {
  for (int round = 0; round < 15; ++round) {
    auto extension = std::make_unique<RawExtension>(make("gone"));
    const HookProgram program(extension->id(), chosen);
    std::atomic<uint64_t> calls{0}, wrong{0};
    std::atomic<bool> gone{false};
    const OnEachCpu callers([&](int) {
      const bool before = gone;
      const uint32_t verdict = program.run(packet(echo, 7), 50);
      if (verdict != aborted && (before || verdict != 7)) ++wrong;
      ++calls;
    });
    ASSERT_TRUE(eventually([&] { return calls > 8; }));
    extension.reset();
    gone = true;
    const uint64_t called = calls;
    ASSERT_TRUE(eventually([&] { return calls > called + 8; }));
    EXPECT_EQ(wrong, 0u);
  }
}

// There are seven keys.
TEST(Seats, GoWithTheKey) {
  std::vector<std::unique_ptr<RawExtension>> extensions;
  std::vector<std::unique_ptr<HookProgram>> programs;
  for (int i = 0; i < 12; ++i) {
    extensions.push_back(std::make_unique<RawExtension>(make("key" + std::to_string(i))));
    programs.push_back(std::make_unique<HookProgram>(extensions.back()->id(), chosen));
  }
  std::atomic<uint64_t> wrong{0}, calls{0};
  std::vector<std::thread> threads;
  for (int cpu = 0; cpu < cpus(); ++cpu)
    threads.emplace_back([&, cpu] {
      const OnCpu here(cpu);
      for (uint64_t i = 0; i < 400; ++i) {
        const HookProgram& program = *programs[(i * 5 + static_cast<uint64_t>(cpu)) % programs.size()];
        // No key may be free at the moment: then it is not called.
        const uint32_t verdict = program.run(packet(echo, i + 10), 4);
        if (verdict == i + 10)
          ++calls;
        else if (verdict != aborted)
          ++wrong;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0u);
  EXPECT_GT(calls, static_cast<uint64_t>(cpus()) * 200);
  uint64_t changes = 0;
  for (const auto& extension : extensions) {
    changes += extension->info().key_changes;
    EXPECT_EQ(extension->info().faults, 0u);
  }
  EXPECT_GT(changes, 12u);
}

TEST(Seats, AreNotKeptByWhatFaulted) {
  const OnCpu here(0);
  const RawExtension extension = make("restarted", VBPF_ON_FAULT_RESTART, 1000);
  const HookProgram program(extension.id(), chosen);
  for (int round = 0; round < 20; ++round) {
    ASSERT_TRUE(eventually([&] { return program.run(packet(echo, 9)) == 9; }));
    ASSERT_EQ(program.run(packet(count), 5), 5u);
    ASSERT_EQ(program.run(packet(read)), aborted);
    ASSERT_TRUE(eventually([&] { return extension.info().restarts == static_cast<uint64_t>(round) + 1; }));
  }
  EXPECT_EQ(extension.info().faults, 20u);
}

TEST(Seats, OfTheDetachedAreNotCalledOnAnyCpu) {
  for (int round = 0; round < 10; ++round) {
    const RawExtension extension = make("detached", VBPF_ON_FAULT_DETACH);
    const HookProgram program(extension.id(), chosen);
    std::atomic<uint64_t> calls{0}, wrong{0};
    std::atomic<bool> detached{false};
    const OnEachCpu callers([&](int) {
      const bool before = detached;
      const uint32_t verdict = program.run(packet(echo, 7), 50);
      if (verdict != pass && (before || verdict != 7)) ++wrong;
      ++calls;
    });
    ASSERT_TRUE(eventually([&] { return calls > 8; }));
    program.run(packet(undefined));
    ASSERT_TRUE(eventually([&] { return extension.info().state == VBPF_STATE_DETACHED; }));
    // Runs that were inside end, and are the last.
    uint64_t invocations = 0;
    ASSERT_TRUE(eventually([&] {
      const uint64_t last = std::exchange(invocations, extension.info().invocations), called = calls;
      eventually([&] { return calls > called + 8; });
      return last == extension.info().invocations;
    }));
    detached = true;
    const uint64_t called = calls;
    ASSERT_TRUE(eventually([&] { return calls > called + 8; }));
    EXPECT_EQ(extension.info().invocations, invocations);
    EXPECT_EQ(wrong, 0u);
  }
}

// Of one extension, by both ways at once on every CPU: each run has the instance for itself.
TEST(Seats, ExcludeOtherRunsOfTheInstance) {
  const RawExtension extension = make("both");
  const HookProgram program(extension.id(), chosen), other(extension.id(), count);
  std::atomic<uint64_t> counted{0}, wrong{0};
  std::vector<std::thread> threads;
  for (int cpu = 0; cpu < cpus(); ++cpu)
    for (int way = 0; way < 3; ++way)
      threads.emplace_back([&, cpu, way] {
        const OnCpu here(cpu);
        for (int i = 0; i < 600; ++i) {
          if (way == 0 && program.run(packet(count), 3) != aborted) counted += 3;
          if (way == 1 && other.run(packet(count), 2) != aborted) counted += 2;
          if (way == 2) {
            const Ran ran = extension.run(loop_a_while, {20'000});
            if (ran.error != EBUSY && ran.retval != 20'000) ++wrong;
          }
        }
      });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0u);
  uint64_t sum = 0;
  for (int cpu = 0; cpu < cpus(); ++cpu) {
    const OnCpu here(cpu);
    sum += program.run(packet(count)) - 1;
  }
  EXPECT_EQ(sum, counted);
}

}  // namespace
}  // namespace vbpf::test
