// SPDX-License-Identifier: Apache-2.0
// The library used from many threads at once. Built with ThreadSanitizer too, see CMakeLists.txt.
#include <atomic>
#include <functional>
#include <thread>

#include "guest.h"

namespace {

using namespace std::chrono_literals;

constexpr int thread_count = 8;

void in_threads(int count, const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(body, i);
  for (std::thread& thread : threads) thread.join();
}

TEST(Threads, EachOpensInstantiatesCallsAndDestroys) {
  in_threads(thread_count, [](int) {
    for (int round = 0; round < 5; ++round) {
      const auto instance = guest::instantiate(guest::per_cpu);
      ASSERT_NE(instance, nullptr);
      EXPECT_EQ(guest::value_of(*instance, "count", {10}), 10u);
      EXPECT_EQ(guest::value_of(*instance, "count", {5}), 15u);
      EXPECT_EQ(guest::value_of(*instance, "use_heap", {600}), uint64_t{2 * 299 * 300 / 2});
    }
  });
}

TEST(Threads, OneExtensionForAll) {
  const auto extension = vbpf::Extension::open(guest::per_cpu, {});
  ASSERT_TRUE(extension);
  in_threads(thread_count, [&](int) {
    for (int round = 0; round < 5; ++round) {
      vbpf::Extension copy = *extension;  // copies share what they are made of
      copy = vbpf::Extension(copy);
      const auto instance = copy.instantiate();
      ASSERT_TRUE(instance);
      EXPECT_EQ(guest::value_of(**instance, "count", {7}), 7u);  // globals of its own
    }
  });
}

TEST(Threads, AnInstanceGoesFromThreadToThread) {
  const auto instance = guest::instantiate(guest::per_cpu);
  ASSERT_NE(instance, nullptr);
  for (uint64_t i = 1; i <= 50; ++i) {
    std::thread([&] { EXPECT_EQ(guest::value_of(*instance, "count", {1}), i); }).join();
  }
}

TEST(Threads, SerialInstancesAreEnteredByOneAtATime) {
  const auto instance = guest::instantiate(guest::serial);
  ASSERT_NE(instance, nullptr);
  in_threads(thread_count, [&](int) {
    for (int round = 0; round < 200; ++round) EXPECT_NE(guest::value_of(*instance, "count", {50}), 0u);
  });
  EXPECT_EQ(guest::value_of(*instance, "count", {0}), uint64_t{thread_count} * 200 * 50);
}

TEST(Threads, SharedInstancesAreEnteredByMany) {
  const auto instance = guest::instantiate(guest::shared);
  ASSERT_NE(instance, nullptr);
  in_threads(thread_count, [&](int) {
    for (int round = 0; round < 200; ++round) {
      EXPECT_NE(guest::value_of(*instance, "count_atomically", {50}), 0u);
      if (round % 20 == 0) {
        EXPECT_EQ(guest::value_of(*instance, "use_heap", {300}), uint64_t{299 * 300 / 2});
      }
    }
  });
  EXPECT_EQ(guest::value_of(*instance, "count_atomically", {0}), uint64_t{thread_count} * 200 * 50);
}

TEST(Threads, SharedInstancesHaveAStackForEachThread) {
  const auto instance = guest::instantiate(guest::shared);
  ASSERT_NE(instance, nullptr);
  in_threads(thread_count, [&](int index) {
    for (int round = 0; round < 20; ++round) {
      if (index % 2 == 0) {
        EXPECT_EQ(guest::fault_of(*instance, "overflow", {}), "stack-overflow");
      } else {
        EXPECT_EQ(guest::value_of(*instance, "sum", {1, 1, 1, 1, 1, 1}), 21u);
      }
    }
  });
}

TEST(Threads, FaultsAreThoseOfTheThread) {
  const auto extension = vbpf::Extension::open(guest::per_cpu, {});
  ASSERT_TRUE(extension);
  struct Case {
    const char *entry, *kind, *symbol;
  };
  const Case cases[] = {{"dereference", "bad-address", "dereference"},
                        {"divide", "divide-error", "divide"},
                        {"trap", "undefined-instruction", "trap"},
                        {"give_up", "abort", nullptr}};
  in_threads(thread_count, [&](int index) {
    const Case& mine = cases[static_cast<size_t>(index) % std::size(cases)];
    const auto instance = extension->instantiate();
    ASSERT_TRUE(instance);
    const auto entry = (*instance)->entry(mine.entry);
    ASSERT_TRUE(entry);
    for (int round = 0; round < 30; ++round) {
      const vbpf::Outcome outcome = (*instance)->call(*entry, {0});
      ASSERT_TRUE(outcome.fault);
      EXPECT_EQ(vbpf::to_string(outcome.fault->kind), mine.kind);
      if (mine.symbol != nullptr) {
        EXPECT_EQ(outcome.fault->symbol, mine.symbol);
        EXPECT_TRUE(outcome.fault->line.starts_with("guest.cpp:")) << outcome.fault->line;
      }
    }
    EXPECT_EQ(guest::value_of(**instance, "count", {3}), 3u);
  });
}

// Not with ThreadSanitizer, which keeps asynchronous signals back until the thread makes a system call.
#if !__has_feature(thread_sanitizer)
TEST(Threads, BudgetsAreThoseOfTheThread) {
  vbpf::LoadOptions options;
  options.budget = 20ms;
  const auto extension = vbpf::Extension::open(guest::per_cpu, options);
  ASSERT_TRUE(extension);
  in_threads(thread_count, [&](int index) {
    const auto instance = extension->instantiate();
    ASSERT_TRUE(instance);
    for (int round = 0; round < 3; ++round) {
      if (index % 2 == 0) {
        EXPECT_EQ(guest::fault_of(**instance, "spin", {}), "budget");
      } else {
        EXPECT_EQ(guest::value_of(**instance, "sum", {1, 2, 3, 4, 5, 6}), 91u);
      }
    }
  });
}
#endif

TEST(Threads, ManyShortOnes) {
  const auto extension = vbpf::Extension::open(guest::shared, {});
  ASSERT_TRUE(extension);
  const auto instance = extension->instantiate();
  ASSERT_TRUE(instance);
  for (int round = 0; round < 30; ++round) {
    in_threads(thread_count, [&](int) {
      guest::value_of(**instance, "count_atomically", {1});
      EXPECT_EQ(guest::fault_of(**instance, "dereference", {0}), "bad-address");
    });
  }
  EXPECT_EQ(guest::value_of(**instance, "count_atomically", {0}), uint64_t{30} * thread_count);
}

// Logging, and what is around it, from several threads with one callback.
TEST(Threads, LinesOfTheLogStayWhole) {
  std::atomic<int> lines = 0, wrong = 0;
  vbpf::LoadOptions options;
  options.log = [&](std::string_view line) {
    ++lines;
    wrong += line.starts_with("number ") && line.size() <= 10 ? 0 : 1;
  };
  const auto instance = guest::instantiate(guest::shared, options);
  ASSERT_NE(instance, nullptr);
  in_threads(thread_count, [&](int index) {
    for (int round = 0; round < 3; ++round) guest::value_of(*instance, "say", {static_cast<uint64_t>(index)});
  });
  EXPECT_GT(lines, 0);
  EXPECT_EQ(wrong, 0);
}

}  // namespace
