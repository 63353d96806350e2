// SPDX-License-Identifier: Apache-2.0
// <vbpf/pager.h> and its C twin, as a program uses them.
#include <gtest/gtest.h>
#include <setjmp.h>  // NOLINT(modernize-deprecated-headers): sigsetjmp
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "area.h"
#include "vbpf/libvbpf.h"
#include "vbpf/pager.h"

namespace vbpf::uffd::test {
namespace {

struct Plain {  // memory without a userfaultfd
  Plain()
      : memory(static_cast<std::byte*>(
            ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {}
  ~Plain() { ::munmap(memory, size); }
  Plain(const Plain&) = delete;
  Plain& operator=(const Plain&) = delete;
  uint64_t word(size_t page) const { return *reinterpret_cast<volatile uint64_t*>(memory + page * 4096); }
  static constexpr size_t size = size_t{64} * 4096;
  std::byte* memory;
};

TEST(LibraryPager, TenLines) {
  const Plain plain;
  const auto extension = Extension::open(UFFD_EXTENSIONS "/obey.o", {});
  ASSERT_TRUE(extension) << extension.error().message;
  {
    const auto pager = Pager::page(*extension, {plain.memory, plain.size});
    ASSERT_TRUE(pager) << pager.error().message;
    EXPECT_EQ(plain.word(12), 12u);
    EXPECT_EQ(plain.word(13), 13u);
    EXPECT_FALSE((*pager)->ended());
  }
  EXPECT_EQ(plain.word(14), 0u) << "plain memory again";
  EXPECT_EQ(plain.word(13), 13u);
}

TEST(LibraryPager, InPlaceOfAHandlerThread) {
  const Area area;
  const auto extension = Extension::open(UFFD_EXTENSIONS "/obey.o", {});
  ASSERT_TRUE(extension);
  {
    const auto pager = Pager::attach(*extension, area.descriptor());
    ASSERT_TRUE(pager) << pager.error().message;
    EXPECT_EQ(area.word(12), 12u);
  }
  const OldHandler handler(area.descriptor());
  EXPECT_EQ(area.word(13), OldHandler::word);
}

// In scripts/vm; elsewhere the reason is said.
TEST(LibraryPager, InTheKernelWhereThatCan) {
  const Plain plain;
  const auto extension = Extension::open(UFFD_EXTENSIONS "/obey.o", {});
  ASSERT_TRUE(extension);
  PagerOptions options;
  options.place = PagerPlace::kernel;
  const bool can = ::access("/dev/vbpf", F_OK) == 0;
  {
    const auto pager = Pager::page(*extension, {plain.memory, plain.size}, options);
    if (!can) {
      ASSERT_FALSE(pager);
      EXPECT_NE(pager.error().message.find("has no vBPF engine"), std::string::npos) << pager.error().message;
      return;
    }
    ASSERT_TRUE(pager) << pager.error().message;
    EXPECT_EQ((*pager)->place(), PagerPlace::kernel);
    EXPECT_EQ(plain.word(12), 12u);
    EXPECT_EQ((*pager)->stats().answered, 1u);
    const Area area;
    options.place = PagerPlace::automatic;
    const auto attached = Pager::attach(*extension, area.descriptor(), options);
    ASSERT_TRUE(attached) << attached.error().message;
    EXPECT_EQ((*attached)->place(), PagerPlace::kernel);
    EXPECT_EQ(area.word(13), 13u);
  }
  EXPECT_EQ(plain.word(14), 0u) << "plain memory again";
}

// Runs in a child; 0: it was so.
template <typename Work>
int in_a_child(Work work) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(20);
    ::_exit(work() ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return status;
}

TEST(LibraryPager, PagesChildrenOfForksIfAsked) {
  const auto extension = Extension::open(UFFD_EXTENSIONS "/obey.o", {});
  ASSERT_TRUE(extension);
  PagerOptions options;
  for (const bool children : {true, false}) {
    const Plain plain;
    options.children = children;
    options.place = PagerPlace::threads;
    auto pager = Pager::page(*extension, {plain.memory, plain.size}, options);
    ASSERT_TRUE(pager) << pager.error().message;
    EXPECT_EQ(in_a_child([&] {
                const uint64_t expected = children ? 12 : 0;
                return plain.word(12) == expected &&
                       in_a_child([&] { return plain.word(13) == expected + (children ? 1 : 0); }) == 0;
              }),
              0);
    EXPECT_EQ(plain.word(12), 12u);
    // A copy of the pager that a child destroys is not the parent's.
    EXPECT_EQ(in_a_child([&] {
                *pager = nullptr;
                return true;
              }),
              0);
    EXPECT_EQ(plain.word(14), 14u);
  }
  const Plain plain;
  options.children = true;
  options.place = PagerPlace::kernel;
  const auto refused = Pager::page(*extension, {plain.memory, plain.size}, options);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("by threads alone"), std::string::npos);
}

// In the kernel nobody would read about a fork, and it would not return.
TEST(LibraryPager, WithEventsChoosesThreads) {
  Kind kind;
  kind.features = UFFD_FEATURE_EVENT_FORK;
  const Area area(64, kind);
  const auto extension = Extension::open(UFFD_EXTENSIONS "/obey.o", {});
  ASSERT_TRUE(extension);
  const auto pager = Pager::attach(*extension, area.descriptor());
  ASSERT_TRUE(pager) << pager.error().message;
  EXPECT_EQ((*pager)->place(), PagerPlace::threads);
  EXPECT_EQ(in_a_child([&] { return area.holds(12, 12); }), 0);
}

// In scripts/vm; elsewhere in threads, where the same is said.
TEST(LibraryPager, SaysWhatHappensWhereverItIs) {
  const bool can = ::access("/dev/vbpf", F_OK) == 0;
  std::mutex mutex;
  std::string logged, said;
  LoadOptions load;
  load.log = [&](std::string_view line) {
    const std::scoped_lock lock(mutex);
    logged += std::string(line) + "\n";
  };
  const auto extension = Extension::open(UFFD_EXTENSIONS "/obey.o", load);
  ASSERT_TRUE(extension);
  PagerOptions options;
  options.max_restarts = 1;
  options.place = can ? PagerPlace::kernel : PagerPlace::threads;
  options.log = [&](std::string_view line) {
    const std::scoped_lock lock(mutex);
    said += std::string(line) + "\n";
  };
  {
    const Plain plain;
    const auto pager = Pager::page(*extension, {plain.memory, plain.size}, options);
    ASSERT_TRUE(pager) << pager.error().message;
    EXPECT_EQ(plain.word(says_hello), uint64_t{says_hello});
    EXPECT_EQ(plain.word(30), 30u);
    std::thread([&] { static_cast<void>(plain.word(crashed)); }).join();  // until it has crashed too often
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    const auto has_ended = [&] {
      const std::scoped_lock lock(mutex);
      return said.find("more than") != std::string::npos;
    };
    while (!has_ended() && std::chrono::steady_clock::now() < end) ::usleep(1000);
    EXPECT_EQ((*pager)->ended(), "obey faulted more than 1 times within a minute");
  }
  EXPECT_EQ(logged, "hello from page 59\n");
  EXPECT_EQ(said,
            "obey faulted: bad-address\nobey runs in a fresh instance\nobey faulted: bad-address\n"
            "obey faulted more than 1 times within a minute\n");
}

PagerOptions in_the_thread() {
  PagerOptions options;
  options.place = PagerPlace::faulting_thread;
  return options;
}

TEST(FaultingThread, AnswersWithoutAnyOther) {
  const Plain plain;
  const auto extension = Extension::open(UFFD_EXTENSIONS "/obey.o", {});
  ASSERT_TRUE(extension) << extension.error().message;
  {
    const auto pager = Pager::page(*extension, {plain.memory, plain.size}, in_the_thread());
    ASSERT_TRUE(pager) << pager.error().message;
    EXPECT_EQ((*pager)->place(), PagerPlace::faulting_thread);
    EXPECT_EQ(plain.word(12), 12u);
    EXPECT_EQ(plain.word(zero), 0u);
    EXPECT_EQ(plain.word(ahead), uint64_t{ahead});
    const PagerStats stats = (*pager)->stats();
    EXPECT_EQ(stats.faults, 3u);
    EXPECT_EQ(stats.answered, 3u);
    EXPECT_EQ(stats.prefetched, 3u);
    // What the kernel does for the program is not answered.
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    EXPECT_EQ(::write(ends[1], plain.memory + size_t{33} * 4096, 8), -1);
    EXPECT_EQ(errno, EFAULT);
    ::close(ends[0]);
    ::close(ends[1]);
  }
  EXPECT_EQ(plain.word(14), 0u) << "plain memory again";
}

enum class Stack { none, engines, own };

// A thread whose alternate stack is none, that of an extension's first call, or its own.
uint64_t touch(const Plain& plain, size_t page, Stack kind, const Extension& extension) {
  uint64_t word = 0;
  std::thread([&] {
    std::vector<std::byte> bytes(size_t{64} << 10);
    stack_t stack{};
    stack.ss_sp = bytes.data();
    stack.ss_size = bytes.size();
    if (kind == Stack::own) ::sigaltstack(&stack, nullptr);
    if (kind == Stack::engines && !extension.instantiate()) return;
    word = plain.word(page);
    if (plain.word(page + 1) != page + 1) word = 0;  // also when it has been here before
    stack = {};
    stack.ss_flags = SS_DISABLE;
    if (kind == Stack::own) ::sigaltstack(&stack, nullptr);
  }).join();
  return word;
}

TEST(FaultingThread, MayHaveAnyAlternateStack) {
  const auto extension = Extension::open(UFFD_EXTENSIONS "/obey.o", {});
  ASSERT_TRUE(extension);
  for (const Stack kind : {Stack::none, Stack::engines, Stack::own}) {
    const Plain plain;
    const auto pager = Pager::page(*extension, {plain.memory, plain.size}, in_the_thread());
    ASSERT_TRUE(pager) << pager.error().message;
    EXPECT_EQ(touch(plain, 30, kind, *extension), 30u) << static_cast<int>(kind);
    // A crash is a signal in the handler of another. It always crashes there: at last the memory is plain.
    EXPECT_EQ(touch(plain, crashed, kind, *extension) & 0xff, 0u) << static_cast<int>(kind);
    EXPECT_TRUE((*pager)->ended());
  }
}

TEST(FaultingThread, RunsOverItsBudgetLikeAnyOther) {
  const Plain plain;
  LoadOptions load;
  load.budget = std::chrono::milliseconds(20);
  const auto extension = Extension::open(UFFD_EXTENSIONS "/obey.o", load);
  ASSERT_TRUE(extension);
  PagerOptions options = in_the_thread();
  options.max_restarts = 2;
  std::string said;
  options.log = [&](std::string_view line) { said += std::string(line) + "\n"; };
  const auto pager = Pager::page(*extension, {plain.memory, plain.size}, options);
  ASSERT_TRUE(pager);
  EXPECT_EQ(plain.word(31), 31u);
  EXPECT_EQ(plain.word(endless), 0u);
  EXPECT_EQ((*pager)->stats().crashes, 3u);
  EXPECT_NE(said.find("obey faulted: budget"), std::string::npos) << said;
  EXPECT_EQ((*pager)->ended(), "obey faulted more than 2 times within a minute");
}

TEST(FaultingThread, ManyAskAFewAtATime) {
  constexpr size_t pages = 64, threads = 8;
  const Plain plain;
  const auto extension = Extension::open(UFFD_EXTENSIONS "/obey.o", {});
  ASSERT_TRUE(extension);
  PagerOptions options = in_the_thread();
  options.threads = 2;
  const auto pager = Pager::page(*extension, {plain.memory, plain.size}, options);
  ASSERT_TRUE(pager);
  std::vector<std::thread> all;
  std::atomic<int> wrong{0};
  for (size_t i = 0; i < threads; ++i) {
    all.emplace_back([&] {
      for (size_t page = 22; page < 60; ++page)
        if (page != backwards && page != from_source) wrong += plain.word(page) == page ? 0 : 1;
    });
  }
  for (std::thread& thread : all) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_LE((*pager)->stats().answered, pages * threads);
}

int foreign_signals;
sigjmp_buf after_signal;

// The program's own handler gets what is passed, and what has nothing to do with it.
TEST(FaultingThread, WhatItPassesIsTheProgramsSignal) {
  struct sigaction action{}, before{};
  action.sa_handler = [](int) {
    ++foreign_signals;
    siglongjmp(after_signal, 1);
  };
  action.sa_flags = SA_NODEFER;
  ASSERT_EQ(::sigaction(SIGBUS, &action, &before), 0);
  {
    Kind kind;
    kind.features = UFFD_FEATURE_SIGBUS;
    const Area area(64, kind);
    const auto extension = Extension::open(UFFD_EXTENSIONS "/obey.o", {});
    ASSERT_TRUE(extension);
    PagerOptions options = in_the_thread();
    std::string said;
    options.log = [&](std::string_view line) { said += line; };
    const auto pager = Pager::attach(*extension, area.descriptor(), options);
    ASSERT_TRUE(pager) << pager.error().message;
    EXPECT_NE(said.find("warning: in the thread that faults"), std::string::npos) << said;
    for (const uint64_t page : {uint64_t{passed}, uint64_t{poisoned}}) {
      if (sigsetjmp(after_signal, 1) == 0) {
        area.word(page);
        ADD_FAILURE() << "no signal for page " << page;
      }
    }
    EXPECT_EQ(foreign_signals, 2);
    EXPECT_EQ(area.word(34), 34u);
    EXPECT_EQ((*pager)->stats().passed, 1u);
    const Area other;
    EXPECT_FALSE(Pager::attach(*extension, other.descriptor(), options)) << "it reports by messages";
    kind.mode |= UFFDIO_REGISTER_MODE_WP;
    const Area protected_too(64, kind);
    const auto refused = Pager::attach(*extension, protected_too.descriptor(), options);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("more than missing pages"), std::string::npos);
  }
  ::sigaction(SIGBUS, &before, nullptr);
}

TEST(FaultingThread, ASourceThatShrinksIsACrashInTheHandler) {
  const auto path = std::filesystem::temp_directory_path() / ("vbpf-source-" + std::to_string(::getpid()));
  std::ofstream(path) << std::string(size_t{3} * 4096, 's');
  const Plain plain;
  const auto extension = Extension::open(UFFD_EXTENSIONS "/obey.o", {});
  ASSERT_TRUE(extension);
  PagerOptions options = in_the_thread();
  options.source = path;
  options.max_restarts = 1;
  const auto pager = Pager::page(*extension, {plain.memory, plain.size}, options);
  ASSERT_TRUE(pager) << pager.error().message;
  std::filesystem::resize_file(path, 0);
  EXPECT_EQ(plain.word(35), 35u);
  EXPECT_EQ(plain.word(from_source), 0u);
  EXPECT_TRUE((*pager)->ended());
  std::filesystem::remove(path);
}

TEST(LibraryPager, SaysWhatIsWrong) {
  const auto extension = Extension::open(UFFD_EXTENSIONS "/obey.o", {});
  ASSERT_TRUE(extension);
  const Plain plain;
  const auto odd = Pager::page(*extension, {plain.memory + 1, 4096});
  ASSERT_FALSE(odd);
  EXPECT_NE(odd.error().message.find("must be whole pages"), std::string::npos);
  PagerOptions options;
  options.entry = "other";
  const auto none = Pager::page(*extension, {plain.memory, plain.size}, options);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().message, "obey has no uffd entry 'other'; it has obey");
  EXPECT_EQ(plain.word(1), 0u) << "not registered any more";
  EXPECT_FALSE(Pager::attach(*extension, 0));
}

TEST(LibraryPager, InC) {
  const Plain plain;
  vbpf_error* error = nullptr;
  vbpf_extension* extension = vbpf_extension_open(UFFD_EXTENSIONS "/obey.o", nullptr, &error);
  ASSERT_NE(extension, nullptr);
  vbpf_pager_options options = VBPF_PAGER_OPTIONS_INIT;
  options.threads = 2;
  std::string said;
  options.log_data = &said;
  options.log = [](void* data, const char* line, size_t length) {
    static_cast<std::string*>(data)->append(line, length);
  };
  vbpf_pager* pager = vbpf_pager_create(extension, plain.memory, plain.size, &options, &error);
  ASSERT_NE(pager, nullptr) << vbpf_error_get_message(error);
  vbpf_extension_close(extension);
  EXPECT_EQ(plain.word(ahead), uint64_t{ahead});
  extension = vbpf_extension_open(UFFD_EXTENSIONS "/obey.o", nullptr, &error);
  ASSERT_NE(extension, nullptr);
  vbpf_pager_stats stats{};
  stats.size = sizeof(stats);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  do vbpf_pager_get_stats(pager, &stats);
  while (stats.prefetched != 3 && std::chrono::steady_clock::now() < end);
  EXPECT_EQ(stats.prefetched, 3u);
  EXPECT_EQ(stats.answered, 1u);
  vbpf_pager_destroy(pager);
  const Plain forked;
  options.children = 1;
  pager = vbpf_pager_create(extension, forked.memory, forked.size, &options, &error);
  ASSERT_NE(pager, nullptr) << vbpf_error_get_message(error);
  EXPECT_EQ(in_a_child([&] { return forked.word(12) == 12; }), 0);
  vbpf_pager_destroy(pager);
  options.children = 2;
  EXPECT_EQ(vbpf_pager_create(extension, forked.memory, forked.size, &options, &error), nullptr);
  vbpf_error_free(error);
  // A program of before there were children.
  options.size = offsetof(vbpf_pager_options, children);
  pager = vbpf_pager_create(extension, forked.memory, forked.size, &options, &error);
  ASSERT_NE(pager, nullptr) << vbpf_error_get_message(error);
  EXPECT_EQ(forked.word(13), 13u);
  vbpf_pager_destroy(pager);
  vbpf_extension_close(extension);
  options.size = 8;
  extension = vbpf_extension_open(UFFD_EXTENSIONS "/obey.o", nullptr, &error);
  EXPECT_EQ(vbpf_pager_create(extension, plain.memory, plain.size, &options, &error), nullptr);
  EXPECT_NE(std::string(vbpf_error_get_message(error)).find("VBPF_PAGER_OPTIONS_INIT"), std::string::npos);
  vbpf_error_free(error);
  EXPECT_EQ(vbpf_uffd_attach(0, extension, nullptr, nullptr), nullptr);
  vbpf_extension_close(extension);
  vbpf_pager_destroy(nullptr);
}

}  // namespace
}  // namespace vbpf::uffd::test
