// SPDX-License-Identifier: Apache-2.0
// This process forks, and its children are paged as it is: UFFD_EVENT_FORK.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <map>

#include "area.h"
#include "pager.h"
#include "soon.h"

namespace vbpf::uffd::test {
namespace {

using namespace std::chrono_literals;

constexpr uint64_t all_events =
    UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_REMOVE | UFFD_FEATURE_EVENT_UNMAP;

Kind with_events(int flags = O_NONBLOCK) {
  Kind kind;
  kind.features = all_events;
  kind.flags = flags;
  return kind;
}

long descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return std::distance(begin(all), end(all));
}

class Forks : public testing::Test {
 protected:
  void attach(const Area& area, const Options& options = {}) {
    auto extension = Extension::open(UFFD_EXTENSIONS "/obey.o", {});
    auto target = Target::of_descriptor(area.descriptor(), ::getpid());
    ASSERT_TRUE(extension && target);
    auto made = Pager::attach(*extension, std::move(*target), options, [this](const Event& event) {
      const std::scoped_lock lock(mutex_);
      said_ += event.message + "\n";
    });
    ASSERT_TRUE(made) << made.error().message;
    pager_ = std::move(*made);
    before_ = descriptors();
  }
  void all_children_gone() {
    EXPECT_TRUE(soon([&] { return pager_->info().children == 0; })) << pager_->info().children;
    EXPECT_TRUE(soon([&] { return descriptors() == before_; })) << descriptors() << " were " << before_;
  }
  uint64_t passed() const {
    uint64_t sum = 0;
    for (const Stats& one : pager_->stats()) sum += one.passed;
    return sum;
  }
  std::string said() {
    const std::scoped_lock lock(mutex_);
    return said_;
  }

  std::unique_ptr<Pager> pager_;
  long before_ = 0;

 private:
  std::mutex mutex_;
  std::string said_;
};

// A child that does nothing else; it ends by itself, or it hangs and is killed.
pid_t child(const std::function<bool()>& work) {
  const pid_t made = ::fork();
  if (made != 0) return made;
  ::alarm(20);
  ::_exit(work() ? 0 : 1);
}

int status_of(pid_t process) {
  int status = -1;
  ::waitpid(process, &status, 0);
  return status;
}

// The pages by whose number nothing special happens.
bool all_hold(const Area& area, uint64_t from = 100, uint64_t to = 200) {
  for (uint64_t page = from; page < to; ++page) {
    if (!area.holds(page, page)) return false;
  }
  return true;
}

TEST_F(Forks, ChildrenAndTheirChildrenHaveTheirPages) {
  for (const uint32_t threads : {1u, 3u}) {
    const Area area(200, with_events());
    Options options;
    options.threads = threads;
    attach(area, options);
    const pid_t first = child([&] {
      const pid_t second = child([&] {
        const pid_t third = child([&] { return all_hold(area); });
        return all_hold(area) && status_of(third) == 0;
      });
      return all_hold(area, 150) && status_of(second) == 0 && all_hold(area);
    });
    EXPECT_TRUE(all_hold(area));
    EXPECT_EQ(status_of(first), 0);
    all_children_gone();
    pager_.reset();
  }
}

// Each fork holds the allocator until its event has been read, and each fault after an event needs it.
TEST_F(Forks, ManyInARowWhileTheParentIsServed) {
  const Area area(1200, with_events());
  attach(area);
  std::atomic<bool> done{false};
  std::atomic<uint64_t> touched{0};
  std::thread toucher([&] {
    while (!done) {
      ::madvise(reinterpret_cast<void*>(area.start() + 300 * Area::page_size), 900 * Area::page_size, MADV_DONTNEED);
      for (uint64_t page = 300; page < 1200 && !done; page += 30, ++touched)
        if (area.word(page) != page) ADD_FAILURE() << page;
    }
  });
  int wrong = 0;
  for (int i = 0; i < 200; ++i) wrong += status_of(child([&] { return all_hold(area, 100, 130); })) != 0 ? 1 : 0;
  const uint64_t before = touched;
  EXPECT_TRUE(soon([&] { return touched > before + 100; }));
  done = true;
  toucher.join();
  EXPECT_EQ(wrong, 0);
  all_children_gone();
}

TEST_F(Forks, ADescriptorThatBlocksIsServedWithItsChildren) {
  const Area area(200, with_events(0));
  attach(area);
  const pid_t first = child([&] {
    const pid_t second = child([&] { return all_hold(area); });
    return all_hold(area) && status_of(second) == 0;
  });
  EXPECT_TRUE(all_hold(area));
  EXPECT_EQ(status_of(first), 0);
  all_children_gone();
}

TEST_F(Forks, AChildKilledWhileItWaitsIsForgotten) {
  const Area area(200, with_events());
  attach(area);
  for (int i = 0; i < 20; ++i) {
    const uint64_t before = passed();
    const pid_t waits = child([&] { return area.holds(numbers::passed, 0); });
    EXPECT_TRUE(soon([&] { return passed() > before; }));
    EXPECT_TRUE(area.holds(100 + static_cast<uint64_t>(i), 100 + static_cast<uint64_t>(i))) << "others are served";
    ::kill(waits, SIGKILL);
    EXPECT_TRUE(WIFSIGNALED(status_of(waits)));
  }
  all_children_gone();
  EXPECT_FALSE(pager_->detached());
}

TEST_F(Forks, PagesKeepTheirNumbersWhereMemoryChanges) {
  const Area area(200, with_events());
  attach(area);
  const auto at = [&](uint64_t page) { return reinterpret_cast<void*>(area.start() + page * Area::page_size); };
  const pid_t changes = child([&] {
    // Moved, and made larger on the way.
    const size_t size = 20 * Area::page_size;
    auto* const place =
        static_cast<std::byte*>(::mmap(nullptr, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    const void* moved = ::mremap(at(150), size, size, MREMAP_MAYMOVE | MREMAP_FIXED, place);
    if (moved != place) return false;
    if (*reinterpret_cast<volatile uint64_t*>(place + 5 * Area::page_size) != 155) return false;
    if (::munmap(at(120), 10 * Area::page_size) != 0) return false;
    if (::mprotect(at(135), Area::page_size, PROT_READ) != 0) return false;
    if (area.word(110) != 110 || area.word(134) != 134 || area.word(135) != 135 || area.word(136) != 136) return false;
    if (::madvise(at(110), Area::page_size, MADV_DONTNEED) != 0 || area.word(110) != 110) return false;
    return status_of(child([&] {
             return *reinterpret_cast<volatile uint64_t*>(place + 6 * Area::page_size) == 156 && area.word(111) == 111;
           })) == 0;
  });
  EXPECT_EQ(status_of(changes), 0);
  EXPECT_TRUE(all_hold(area)) << "the parent's are where they were";
  all_children_gone();
}

// So that another process can have them too, and lets them go.
TEST_F(Forks, AreToldOfAndTakenBack) {
  const Area area(200, with_events());
  std::mutex mutex;
  std::map<uint64_t, std::vector<Range>> known;
  size_t most = 0;
  Options options;
  options.on_child = [&](const ChildNews& news) {
    const std::scoped_lock lock(mutex);
    known[news.id] = news.ranges;
    if (news.descriptor < 0) known.erase(news.id);
    most = std::max(most, known.size());
  };
  attach(area, options);
  const auto covers = [&](uint64_t address) {
    const std::scoped_lock lock(mutex);
    return std::ranges::any_of(known, [&](const auto& one) {
      return std::ranges::any_of(one.second, [&](const Range& r) { return r.start <= address && address < r.end; });
    });
  };
  int go[2];
  ASSERT_EQ(::pipe(go), 0);
  auto* const elsewhere =
      static_cast<std::byte*>(::mmap(nullptr, Area::page_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  const pid_t moves = child([&] {
    char byte = 0;
    return ::read(go[0], &byte, 1) == 1 &&
           ::mremap(const_cast<uint8_t*>(area.at(120)), Area::page_size, Area::page_size, MREMAP_MAYMOVE | MREMAP_FIXED,
                    elsewhere) == elsewhere &&
           ::read(go[0], &byte, 1) == 1;
  });
  EXPECT_TRUE(soon([&] { return covers(area.start() + 120 * Area::page_size); }));
  EXPECT_FALSE(covers(reinterpret_cast<uint64_t>(elsewhere)));
  ASSERT_EQ(::write(go[1], "x", 1), 1);
  EXPECT_TRUE(soon([&] { return covers(reinterpret_cast<uint64_t>(elsewhere)); }));
  EXPECT_FALSE(covers(area.start() + 120 * Area::page_size));
  ASSERT_EQ(::write(go[1], "x", 1), 1);
  EXPECT_EQ(status_of(moves), 0);
  for (const int end : go) ::close(end);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(status_of(child([&] { return area.holds(100, 100); })), 0);
  all_children_gone();
  EXPECT_TRUE(soon([&] {
    const std::scoped_lock lock(mutex);
    return known.empty();
  }));
  EXPECT_GE(most, 1u);
  pager_.reset();  // before what it calls
}

TEST_F(Forks, AreLimitedInNumberAndSaySo) {
  const Area area(200, with_events());
  Options options;
  options.max_children = 2;
  attach(area, options);
  int go[2];
  ASSERT_EQ(::pipe(go), 0);
  pid_t children[3];
  for (pid_t& one : children) {
    one = child([&] {
      char byte = 0;
      return ::read(go[0], &byte, 1) == 1 && all_hold(area);
    });
    // The third comes to a pager that has the two.
    EXPECT_TRUE(soon([&] { return pager_->info().children == 2 || one == children[0]; }));
  }
  EXPECT_TRUE(
      soon([&] { return said().find("2 children are served already, which is the most") != std::string::npos; }));
  EXPECT_NE(said().find("poisoned: SIGBUS"), std::string::npos) << said();
  ASSERT_EQ(::write(go[1], "abc", 3), 3);
  EXPECT_EQ(status_of(children[0]), 0);
  EXPECT_EQ(status_of(children[1]), 0);
  const int last = status_of(children[2]);
  EXPECT_TRUE(WIFSIGNALED(last) && WTERMSIG(last) == SIGBUS) << last;
  for (const int end : go) ::close(end);
  EXPECT_TRUE(soon([&] { return pager_->info().children == 0; }));
  EXPECT_EQ(status_of(child([&] { return all_hold(area); })), 0) << "there is room again";
}

TEST_F(Forks, WithoutADescriptorToSpareAreNotServedAndSaySo) {
  const Area area(200, with_events());
  Options options;
  options.on_exit = OnExit::zero;
  attach(area, options);
  std::vector<File> taken;
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit low{64, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &low);
  do taken.emplace_back(::dup(0));
  while (taken.back());
  const pid_t without = child([&] { return area.word(100) == 0; });
  EXPECT_EQ(status_of(without), 0) << "as on_exit says";
  EXPECT_TRUE(soon([&] { return said().find("no descriptor to spare: the child is not served") != std::string::npos; }))
      << said();
  taken.clear();
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(status_of(child([&] { return all_hold(area); })), 0);
  EXPECT_TRUE(all_hold(area));
}

TEST_F(Forks, ACopyOfThePagerInAChildTouchesNothing) {
  const Area area(200, with_events());
  attach(area);
  EXPECT_EQ(status_of(child([&] {
              pager_.reset();
              return all_hold(area);
            })),
            0);
  EXPECT_TRUE(all_hold(area));
}

TEST_F(Forks, WhenItEndsChildrenMeetThePolicy) {
  for (const OnExit policy : {OnExit::wait, OnExit::zero}) {
    const Area area(200, with_events());
    Options options;
    options.on_exit = policy;
    attach(area, options);
    int go[2], ready[2];
    ASSERT_TRUE(::pipe(go) == 0 && ::pipe(ready) == 0);
    char byte = 0;
    const pid_t stays = child([&] {
      return area.holds(100, 100) && ::write(ready[1], "x", 1) == 1 && ::read(go[0], &byte, 1) == 1 &&
             area.holds(100, 100) && area.holds(101, 0);
    });
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    pager_.reset();
    ASSERT_EQ(::write(go[1], "x", 1), 1);
    const int status = status_of(stays);
    if (policy == OnExit::zero) EXPECT_EQ(status, 0);
    if (policy == OnExit::wait) EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS) << status;
    for (const int end : {go[0], go[1], ready[0], ready[1]}) ::close(end);
  }
}

}  // namespace
}  // namespace vbpf::uffd::test
