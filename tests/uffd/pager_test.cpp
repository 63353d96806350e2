// SPDX-License-Identifier: Apache-2.0
// The pager on memory of this process: every answer, every kind of fault, and what goes wrong.
#include "pager.h"

#include <gtest/gtest.h>
#include <setjmp.h>  // NOLINT(modernize-deprecated-headers): sigsetjmp

#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>

#include "area.h"
#include "soon.h"

namespace vbpf::uffd::test {
namespace {

using namespace std::chrono_literals;

class Paged {
 public:
  explicit Paged(const Area& area, const Options& options = {}) {
    LoadOptions load;
    load.budget = 20ms;
    auto extension = Extension::open(UFFD_EXTENSIONS "/obey.o", load);
    auto target = Target::of_descriptor(area.descriptor(), ::getpid());
    if (!extension || !target) {
      ADD_FAILURE() << (extension ? target.error().message : extension.error().message);
      return;
    }
    auto made = Pager::attach(*extension, std::move(*target), options, [this](const Event& event) {
      const std::scoped_lock lock(mutex_);
      events_.push_back(event);
    });
    if (!made) {
      error_ = made.error().message;
      return;
    }
    pager_ = std::move(*made);
  }

  Pager* operator->() { return pager_.get(); }
  const std::string& error() const { return error_; }
  void detach() { pager_.reset(); }
  Stats total() const {
    Stats sum;
    for (const Stats& one : pager_->stats()) {
      sum.faults += one.faults;
      sum.resolved += one.resolved;
      sum.zeroed += one.zeroed;
      sum.continued += one.continued;
      sum.unprotected += one.unprotected;
      sum.poisoned += one.poisoned;
      sum.passed += one.passed;
      sum.prefetched += one.prefetched;
      sum.late += one.late;
      sum.events += one.events;
      sum.crashes += one.crashes;
      sum.restarts += one.restarts;
    }
    return sum;
  }
  std::vector<Event> events() {
    const std::scoped_lock lock(mutex_);
    return events_;
  }

 private:
  std::mutex mutex_;
  std::vector<Event> events_;
  std::unique_ptr<Pager> pager_;
  std::string error_;
};

TEST(Pager, ResolvesPagesForSeveralThreadsAtOnce) {
  for (const uint32_t serving : {1u, 2u}) {
    const Area area(512);
    Options options;
    options.threads = serving;
    Paged paged(area, options);
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0};
    for (uint64_t t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (uint64_t page = 100 + t % 2; page < 500; page += 2) wrong += area.holds(page, page) ? 0 : 1;
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_TRUE(soon([&] { return paged.total().resolved == 400; })) << paged.total().resolved;
    EXPECT_EQ(paged->stats().size(), serving);
    EXPECT_EQ(paged->info().registered, area.size());
  }
}

TEST(Pager, GivesZeros) {
  const Area area;
  Paged paged(area);
  EXPECT_TRUE(area.holds(zero, 0));
  EXPECT_TRUE(soon([&] { return paged.total().zeroed == 1; }));
}

// Two that read one descriptor are a race, so the handler begins when the extension has been asked.
TEST(Pager, WhatIsNoAnswerGoesToTheProgramsHandler) {
  for (const Page page : {passed, continued, nonsense}) {
    const Area area;
    Paged paged(area);
    auto waits = std::async(std::launch::async, [&] { return area.holds(page, OldHandler::word); });
    EXPECT_TRUE(soon([&] { return paged.total().passed >= 1; }));
    EXPECT_EQ(area.word(36), 36u);  // others are served meanwhile
    const OldHandler handler(area.descriptor());
    EXPECT_TRUE(waits.get()) << page;
    EXPECT_TRUE(soon([&] { return handler.served() == 1; }));
  }
}

TEST(Pager, CrashesAndEndlessLoopsArePassedOn) {
  for (const Page page : {crashed, endless}) {
    const Area area;
    Paged paged(area);
    auto waits = std::async(std::launch::async, [&] { return area.holds(page, OldHandler::word); });
    EXPECT_TRUE(soon([&] { return paged.total().restarts >= 1; }));
    const OldHandler handler(area.descriptor());
    EXPECT_TRUE(waits.get()) << page;
    const auto events = paged.events();
    ASSERT_GE(events.size(), 2u);
    EXPECT_EQ(events[0].kind, Event::Kind::fault);
    ASSERT_TRUE(events[0].fault);
    EXPECT_EQ(events[0].fault->kind, page == endless ? FaultKind::budget : FaultKind::bad_address);
    EXPECT_EQ(events[1].kind, Event::Kind::restart);
  }
}

TEST(Pager, TooManyCrashesEndIt) {
  const Area area;
  Options options;
  options.max_restarts = 0;
  options.on_exit = OnExit::zero;
  Paged paged(area, options);
  EXPECT_EQ(area.word(crashed), 0u);
  EXPECT_TRUE(soon([&] { return paged->detached().has_value(); }));
  EXPECT_NE(paged->detached()->find("more than 0 times"), std::string::npos);
  EXPECT_EQ(area.word(10), 0u);  // not registered any more
}

sigjmp_buf after_bus_error;

TEST(Pager, PoisonIsABusError) {
  const Area area;
  Paged paged(area);
  struct sigaction action{}, before{};
  action.sa_handler = [](int) { siglongjmp(after_bus_error, 1); };
  action.sa_flags = SA_NODEFER;
  ::sigaction(SIGBUS, &action, &before);
  bool died = false;
  if (sigsetjmp(after_bus_error, 1) == 0) {
    area.word(poisoned);
  } else {
    died = true;
  }
  ::sigaction(SIGBUS, &before, nullptr);
  EXPECT_TRUE(died);
  EXPECT_TRUE(soon([&] { return paged.total().poisoned == 1; }));
}

TEST(Pager, PagesAheadAndAtAStrideAreThereBeforeTheyAreTouched) {
  const Area area;
  Paged paged(area);
  EXPECT_TRUE(area.holds(ahead, ahead));
  EXPECT_TRUE(soon([&] { return paged.total().prefetched == 3; }));
  EXPECT_TRUE(area.holds(ahead + 1, ahead + 1) && area.holds(ahead + 3, ahead + 3));
  EXPECT_EQ(paged.total().faults, 1u);
  // 38, 36, … down to 22; the next, 20, ends in a budget overrun.
  EXPECT_TRUE(area.holds(backwards, backwards));
  EXPECT_TRUE(soon([&] { return paged.total().crashes == 1; }));
  EXPECT_EQ(paged.total().prefetched, 3u + 9u);
  EXPECT_TRUE(area.holds(38, 38) && area.holds(22, 22));
  EXPECT_EQ(paged.total().faults, 2u);
}

TEST(Pager, WriteProtectionIsLiftedAndCanBeSet) {
  Kind kind;
  kind.mode = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP;
  kind.features = UFFD_FEATURE_PAGEFAULT_FLAG_WP;
  const Area area(64, kind);
  Paged paged(area);
  EXPECT_EQ(area.word(30), 30u);
  uffdio_writeprotect protect_page{{area.start() + 30 * Area::page_size, 4096}, UFFDIO_WRITEPROTECT_MODE_WP};
  ASSERT_EQ(::ioctl(area.descriptor(), UFFDIO_WRITEPROTECT, &protect_page), 0);
  *area.at(30) = 77;
  EXPECT_EQ(area.word(30), 77u);
  EXPECT_TRUE(soon([&] { return paged.total().unprotected == 1; }));
  EXPECT_EQ(area.word(protect), uint64_t{protect});
  *area.at(protect) = 1;
  EXPECT_TRUE(soon([&] { return paged.total().unprotected == 2; }));
}

TEST(Pager, MinorFaultsContinue) {
  const int memory = ::memfd_create("minor", MFD_CLOEXEC);
  ASSERT_EQ(::ftruncate(memory, 64 * Area::page_size), 0);
  Kind kind;
  kind.mode = UFFDIO_REGISTER_MODE_MINOR;
  kind.features = UFFD_FEATURE_MINOR_SHMEM;
  kind.memory = memory;
  const Area area(64, kind);
  Paged paged(area);
  const uint64_t value = 4711;
  ASSERT_EQ(::pwrite(memory, &value, sizeof(value), 7 * Area::page_size), 8);
  EXPECT_EQ(area.word(7), 4711u);
  EXPECT_TRUE(soon([&] { return paged.total().continued == 1; }));
  ::close(memory);
}

TEST(Pager, SharedMemoryIsFilledToo) {
  const int memory = ::memfd_create("missing", MFD_CLOEXEC);
  ASSERT_EQ(::ftruncate(memory, 64 * Area::page_size), 0);
  Kind kind;
  kind.features = UFFD_FEATURE_MISSING_SHMEM;
  kind.memory = memory;
  const Area area(64, kind);
  Paged paged(area);
  EXPECT_TRUE(area.holds(9, 9) && area.holds(zero, 0));
  ::close(memory);
}

TEST(Pager, FaultsInsideTheKernelAreServed) {
  const Area area;
  Paged paged(area);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], const_cast<uint8_t*>(area.at(33)), 4096), 4096);
  uint64_t word = 0;
  ASSERT_EQ(::read(ends[0], &word, sizeof(word)), 8);
  EXPECT_EQ(word, 33u);
  ASSERT_EQ(::read(ends[0], const_cast<uint8_t*>(area.at(34)), 8), 8);
  EXPECT_EQ(area.word(34), 33u);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(Pager, ADescriptorThatBlocksIsServedAndLetGo) {
  Kind kind;
  kind.flags = 0;
  const Area area(64, kind);
  Options options;
  options.threads = 4;
  Paged paged(area, options);
  EXPECT_EQ(paged->info().threads, 1u);
  EXPECT_EQ(area.word(11), 11u);
  std::this_thread::sleep_for(5ms);  // it blocks now
  paged.detach();
  ::fcntl(area.descriptor(), F_SETFL, O_NONBLOCK);  // for the handler to end
  const OldHandler handler(area.descriptor());
  EXPECT_EQ(area.word(12), OldHandler::word);
}

TEST(Pager, FaultsThatWaitAreHandedBack) {
  const Area area;
  Options options;
  options.on_exit = OnExit::zero;
  Paged paged(area, options);
  auto waits = std::async(std::launch::async, [&] { return area.word(passed); });
  EXPECT_TRUE(soon([&] { return paged.total().passed >= 1; }));
  EXPECT_EQ(waits.wait_for(50ms), std::future_status::timeout);
  paged.detach();
  EXPECT_EQ(waits.get(), 0u);
}

TEST(Pager, RangesMayChangeWhileFaultsCome) {
  Kind kind;
  kind.features = UFFD_FEATURE_EVENT_REMOVE | UFFD_FEATURE_EVENT_UNMAP | UFFD_FEATURE_EVENT_REMAP;
  const Area area(1024, kind);
  Paged paged(area);
  std::atomic<bool> done{false};
  std::thread toucher([&] {
    while (!done) {
      for (uint64_t page = 100; page < 1000; ++page) {
        const uint64_t word = area.word(page);
        if (word != page && word != 0) ADD_FAILURE() << page << " holds " << word;
      }
    }
  });
  for (int i = 0; i < 200; ++i)
    ASSERT_EQ(
        ::madvise(reinterpret_cast<void*>(area.start() + 100 * Area::page_size), 900 * Area::page_size, MADV_DONTNEED),
        0);
  uffdio_range half{area.start() + 500 * Area::page_size, 200 * Area::page_size};
  ASSERT_EQ(::ioctl(area.descriptor(), UFFDIO_UNREGISTER, &half), 0);
  ASSERT_EQ(
      ::madvise(reinterpret_cast<void*>(area.start() + 100 * Area::page_size), 900 * Area::page_size, MADV_DONTNEED),
      0);
  std::this_thread::sleep_for(20ms);
  done = true;
  toucher.join();
  EXPECT_GE(paged.total().events, 200u);
  EXPECT_EQ(area.word(600), 0u);
}

TEST(Pager, ASourceThatShrinksIsACrashNotWrongBytes) {
  const auto path = std::filesystem::temp_directory_path() / ("vbpf-source-" + std::to_string(::getpid()));
  std::ofstream(path) << std::string(3 * Area::page_size, 's');
  const Area area;
  Options options;
  options.source = path;
  options.on_fault = OnFault::pass;
  Paged paged(area, options);
  ASSERT_EQ(paged->info().source_size, 3u * Area::page_size);
  std::filesystem::resize_file(path, 0);
  auto waits = std::async(std::launch::async, [&] { return area.holds(from_source, OldHandler::word); });
  EXPECT_TRUE(soon([&] { return paged.total().crashes >= 1; }));
  const OldHandler handler(area.descriptor());
  EXPECT_TRUE(waits.get());
  std::filesystem::remove(path);
}

TEST(Pager, ASourceIsReadAndCannotBeWritten) {
  const auto path = std::filesystem::temp_directory_path() / ("vbpf-source-" + std::to_string(::getpid()));
  std::ofstream(path) << std::string(5000, 's');
  const Area area;
  Options options;
  options.source = path;
  Paged paged(area, options);
  EXPECT_TRUE(area.holds(from_source, 0x7373737373737373));
  // The host does not: the file may shrink at any time.
  auto waits = std::async(std::launch::async, [&] { return area.holds(logs_source, OldHandler::word); });
  EXPECT_TRUE(soon([&] { return paged.total().crashes >= 1; }));
  {
    const OldHandler handler(area.descriptor());
    EXPECT_TRUE(waits.get());
  }
  ASSERT_FALSE(paged.events().empty());
  EXPECT_EQ(paged.events()[0].fault->kind, FaultKind::bad_import);
  std::filesystem::remove(path);
  options.source = "/nonexistent";
  EXPECT_NE(Paged(area, options).error().find("cannot read the source /nonexistent"), std::string::npos);
}

TEST(Target, RefusesWhatCannotBeServed) {
  const auto message = [](const Result<Target>& target) { return target ? "" : target.error().message; };
  EXPECT_NE(message(Target::of_descriptor(0, ::getpid())).find("is not a userfaultfd"), std::string::npos);
  Kind kind;
  kind.handshake = false;
  const Area without(1, kind);
  EXPECT_NE(message(Target::of_descriptor(without.descriptor(), ::getpid())).find("no handshake"), std::string::npos);
  kind = {};
  kind.features = UFFD_FEATURE_SIGBUS;
  const Area with_signals(1, kind);
  EXPECT_NE(message(Target::of_descriptor(with_signals.descriptor(), ::getpid())).find("SIGBUS"), std::string::npos);
  EXPECT_NE(message(Target::of_process(4194303, {})).find("does not exist"), std::string::npos);
  EXPECT_NE(message(Target::of_process(1, {})).find("no userfaultfd"), std::string::npos);
  EXPECT_NE(message(Target::of_process(::getpid(), {})).find("several userfaultfds"), std::string::npos);
  EXPECT_NE(message(Target::of_process(::getpid(), 0)).find("descriptor 0"), std::string::npos);
  EXPECT_TRUE(Target::of_process(::getpid(), without.descriptor()).error().message.find("no handshake") !=
              std::string::npos);
}

}  // namespace
}  // namespace vbpf::uffd::test
