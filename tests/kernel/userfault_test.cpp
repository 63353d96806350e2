// SPDX-License-Identifier: Apache-2.0
// In the guest: page faults that an extension answers in the kernel. Every answer, every kind of memory and fault, and
// what must stay as it is without one.
#include <linux/futex.h>
#include <setjmp.h>  // NOLINT(modernize-deprecated-headers): sigsetjmp
#include <sys/mount.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <optional>

#include "../uffd/area.h"
#include "../uffd/soon.h"
#include "resident.h"
#include "virtual_machine.h"

namespace vbpf::uffd::test {
namespace {

using namespace std::chrono_literals;

constexpr size_t huge_size = size_t{2} << 20;

// obey.o in the kernel, attached to areas.
class Obeyed {
 public:
  explicit Obeyed(const Area& area, kernel::ResidentOptions options = {}) {
    static int count = 0;
    options.name = "obey" + std::to_string(++count);
    options.budget = 50ms;
    if (options.on_fault == VBPF_ON_FAULT_PASS) options.on_fault = VBPF_ON_FAULT_RESTART;
    auto loaded = kernel::Resident::load(UFFD_EXTENSIONS "/obey.o", options);
    if (!loaded) throw std::runtime_error(loaded.error().message);
    resident_.emplace(std::move(*loaded));
    const auto attached = attach(area);
    if (!attached) throw std::runtime_error(attached.error().message);
  }

  Result<void> attach(const Area& area) const { return resident_->answer({area.descriptor(), ::getpid(), 0, 64}); }
  vbpf_info info() const {
    const auto info = resident_->info();
    EXPECT_TRUE(info);
    return info ? *info : vbpf_info{};
  }
  uint64_t answered(uint32_t verdict) const { return info().userfault_verdicts[verdict]; }
  uint64_t resolved() const { return answered(1); }
  uint64_t passed() const { return answered(0); }
  // It goes with its last descriptor.
  void unload() { resident_.reset(); }

 private:
  std::optional<kernel::Resident> resident_;
};

// A file in memory.
class MemoryFile {
 public:
  explicit MemoryFile(size_t size, unsigned flags = 0) : descriptor(::memfd_create("memory", MFD_CLOEXEC | flags)) {
    EXPECT_EQ(::ftruncate(descriptor, static_cast<off_t>(size)), 0);
  }
  ~MemoryFile() { ::close(descriptor); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  const int descriptor;
};

uint64_t status_field(const std::string& name) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + ":")) return std::stoul(line.substr(name.size() + 1));
  }
  return 0;
}

// Whether touching it is a bus error.
sigjmp_buf after_bus_error;
template <typename Touch>
bool is_bus_error(Touch touch) {
  struct sigaction action{}, before{};
  action.sa_handler = [](int) { siglongjmp(after_bus_error, 1); };
  action.sa_flags = SA_NODEFER;
  ::sigaction(SIGBUS, &action, &before);
  volatile bool died = true;
  if (sigsetjmp(after_bus_error, 1) == 0) {
    touch();
    died = false;
  }
  ::sigaction(SIGBUS, &before, nullptr);
  return died;
}

TEST(KernelFaults, SeveralThreadsAtOnceFindTheirPages) {
  const Area area(512);
  const Obeyed obeyed(area);
  const uint64_t before = status_field("RssAnon");
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t page = 100 + t % 2; page < 500; page += 2) wrong += area.holds(page, page) ? 0 : 1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(obeyed.resolved() + obeyed.answered(0), obeyed.resolved());
  EXPECT_GE(obeyed.resolved(), 400u);  // two may be asked about one page at a time
  EXPECT_LE(obeyed.resolved(), 400u);  // but only one maps it
  EXPECT_EQ(obeyed.info().userfaults, 1u);
  const uint64_t grown = status_field("RssAnon") - before;
  EXPECT_GE(grown, 1600u);
  EXPECT_LE(grown, 1600u + 512u);  // stacks of the threads
}

TEST(KernelFaults, ReadsAndWritesAndZeros) {
  const Area area;
  const Obeyed obeyed(area);
  EXPECT_TRUE(area.holds(zero, 0));
  *area.at(40) = 9;  // a write fault: the page is there, then written
  EXPECT_EQ(area.word(40), 9u);
  EXPECT_EQ(area.word(41), 41u);
  *area.at(41) = 8;
  EXPECT_EQ(area.word(41), 8u);
  EXPECT_EQ(obeyed.answered(2), 1u);
  EXPECT_EQ(obeyed.resolved(), 2u);
}

TEST(KernelFaults, WhatIsNoAnswerGoesToTheProgramsHandler) {
  const Area area;
  const Obeyed obeyed(area);
  const OldHandler handler(area.descriptor());
  int count = 0;
  for (const Page page : {passed, continued, nonsense}) {
    EXPECT_TRUE(area.holds(page, OldHandler::word)) << page;
    ++count;
    EXPECT_TRUE(soon([&] { return handler.served() == count; }, 10s));
  }
  EXPECT_EQ(area.word(36), 36u);
  EXPECT_EQ(obeyed.passed(), 3u);
}

TEST(KernelFaults, CrashesAndEndlessLoopsArePassedOn) {
  for (const Page page : {crashed, endless}) {
    const Area area;
    const Obeyed obeyed(area);
    const OldHandler handler(area.descriptor());
    EXPECT_TRUE(area.holds(page, OldHandler::word)) << page;
    EXPECT_GE(obeyed.info().faults, 1u);  // more when the handler was slow to read
    EXPECT_TRUE(soon([&] { return obeyed.info().restarts >= 1; }, 10s));
    EXPECT_TRUE(area.holds(37, 37));  // also while it begins anew
    EXPECT_TRUE(soon([&] { return handler.served() == 1; }, 10s));
  }
}

TEST(KernelFaults, FaultsThatComeWhileItBeginsAnewWait) {
  const Area area(4096);
  kernel::ResidentOptions options;
  options.max_restarts = 1000;
  const Obeyed obeyed(area, options);
  const OldHandler handler(area.descriptor());
  std::thread crasher([&] {
    for (int i = 0; i < 5; ++i) {
      area.word(crashed);
      ::madvise(const_cast<uint8_t*>(area.at(crashed)), 4096, MADV_DONTNEED);
    }
  });
  int wrong = 0;
  for (uint64_t page = 100; page < 4000; ++page) wrong += area.holds(page, page) ? 0 : 1;
  crasher.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GE(obeyed.info().faults, 5u);
}

TEST(KernelFaults, WithoutAHandlerACrashIsAskedAboutAgainUntilItIsDetached) {
  const Area area;
  kernel::ResidentOptions options;
  options.max_restarts = 3;
  const Obeyed obeyed(area, options);
  auto waits = std::async(std::launch::async, [&] { return area.holds(crashed, OldHandler::word); });
  EXPECT_TRUE(soon([&] { return obeyed.info().state == VBPF_STATE_DETACHED; }, 10s));
  EXPECT_EQ(obeyed.info().restarts, 3u);
  EXPECT_EQ(obeyed.info().faults, 4u);
  const OldHandler handler(area.descriptor());
  EXPECT_TRUE(waits.get());
  EXPECT_TRUE(area.holds(36, OldHandler::word)) << "it is not asked any more";
}

TEST(KernelFaults, PoisonIsABusError) {
  const Area area;
  const Obeyed obeyed(area);
  EXPECT_TRUE(is_bus_error([&] { area.word(poisoned); }));
  EXPECT_EQ(obeyed.answered(5), 1u);
  EXPECT_EQ(area.word(36), 36u);
}

TEST(KernelFaults, PagesAheadAndAtAStrideAreThereBeforeTheyAreTouched) {
  const Area area(64);
  const Obeyed obeyed(area);
  EXPECT_TRUE(area.holds(ahead, ahead));
  EXPECT_EQ(obeyed.info().userfault_prefetched, 3u);
  EXPECT_TRUE(area.holds(ahead + 1, ahead + 1) && area.holds(ahead + 3, ahead + 3));
  EXPECT_EQ(obeyed.resolved(), 1u);
  // A table of 512 pages may end in between: what was not fetched is a fault of its own.
  EXPECT_TRUE(area.holds(backwards, backwards));
  EXPECT_TRUE(area.holds(38, 38) && area.holds(22, 22));
}

TEST(KernelFaults, WriteProtectionIsLiftedAndCanBeSet) {
  Kind kind;
  kind.mode = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP;
  kind.features = UFFD_FEATURE_PAGEFAULT_FLAG_WP;
  const Area area(64, kind);
  const Obeyed obeyed(area);
  EXPECT_EQ(area.word(30), 30u);
  uffdio_writeprotect protect_page{{area.start() + 30 * Area::page_size, 4096}, UFFDIO_WRITEPROTECT_MODE_WP};
  ASSERT_EQ(::ioctl(area.descriptor(), UFFDIO_WRITEPROTECT, &protect_page), 0);
  *area.at(30) = 77;
  EXPECT_EQ(area.word(30), 77u);
  EXPECT_EQ(obeyed.answered(4), 1u);
  EXPECT_EQ(area.word(protect), uint64_t{protect});
  *area.at(protect) = 1;
  EXPECT_EQ(obeyed.answered(4), 2u);
}

TEST(KernelFaults, ProtectingWhatIsNotRegisteredForItIsNoAnswer) {
  const Area area;
  const Obeyed obeyed(area);
  const OldHandler handler(area.descriptor());
  EXPECT_TRUE(area.holds(protect, OldHandler::word));
  EXPECT_EQ(obeyed.passed(), 1u);
}

TEST(KernelFaults, MinorFaultsContinue) {
  const MemoryFile file(64 * Area::page_size);
  Kind kind;
  kind.mode = UFFDIO_REGISTER_MODE_MINOR;
  kind.features = UFFD_FEATURE_MINOR_SHMEM;
  kind.memory = file.descriptor;
  const Area area(64, kind);
  const Obeyed obeyed(area);
  const uint64_t value = 4711;
  ASSERT_EQ(::pwrite(file.descriptor, &value, sizeof(value), 7 * Area::page_size), 8);
  EXPECT_EQ(area.word(7), 4711u);
  EXPECT_EQ(obeyed.answered(3), 1u);
}

TEST(KernelFaults, SharedMemoryIsFilledAndOthersSeeIt) {
  const MemoryFile file(64 * Area::page_size);
  Kind kind;
  kind.features = UFFD_FEATURE_MISSING_SHMEM;
  kind.memory = file.descriptor;
  const Area area(64, kind);
  const Obeyed obeyed(area);
  EXPECT_TRUE(area.holds(9, 9) && area.holds(zero, 0));
  uint64_t word = 0;
  ASSERT_EQ(::pread(file.descriptor, &word, sizeof(word), 9 * Area::page_size), 8);
  EXPECT_EQ(word, 9u);
  EXPECT_EQ(obeyed.resolved(), 1u);
  // Beyond the file's end it is the bus error that it would be without.
  ASSERT_EQ(::ftruncate(file.descriptor, 40 * Area::page_size), 0);
  EXPECT_TRUE(is_bus_error([&] { area.word(50); }));
}

TEST(KernelFaults, PrivateMappingsOfAFileAreFilledAndItIsNot) {
  const MemoryFile file(64 * Area::page_size);
  Kind kind;
  kind.features = UFFD_FEATURE_MISSING_SHMEM;
  kind.memory = file.descriptor;
  kind.copies = true;
  const Area area(64, kind);
  const Obeyed obeyed(area);
  EXPECT_TRUE(area.holds(9, 9));
  *area.at(10) = 1;
  EXPECT_EQ(area.word(10), 1u);
  uint64_t word = 1;
  ASSERT_EQ(::pread(file.descriptor, &word, sizeof(word), 9 * Area::page_size), 8);
  EXPECT_EQ(word, 0u);
}

class HugePages : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(KernelFaults, HugePages, testing::Bool());

TEST_P(HugePages, AreFilledWhole) {
  std::ofstream("/proc/sys/vm/nr_hugepages") << 32;
  const MemoryFile file(8 * huge_size, MFD_HUGETLB);
  Kind kind;
  kind.features = UFFD_FEATURE_MISSING_HUGETLBFS;
  kind.memory = file.descriptor;
  kind.copies = GetParam();
  const Area area(size_t{8} * 512, kind);
  kernel::ResidentOptions options;
  options.fill_size = huge_size;
  const Obeyed obeyed(area, options);
  const auto holds = [&](uint64_t number) {
    for (uint64_t page = number * 512; page < (number + 1) * 512; ++page)
      if (!area.holds(page, number)) return false;
    return true;
  };
  EXPECT_TRUE(holds(0) && holds(7));
  EXPECT_EQ(obeyed.resolved() + obeyed.answered(2), 2u);
  *area.at(512 * 7 + 3) = 99;
  EXPECT_EQ(area.word(512 * 7 + 3), 99u);
  uint64_t word = 0;
  ASSERT_EQ(::pread(file.descriptor, &word, sizeof(word), 7 * huge_size + 4096), 8);
  EXPECT_EQ(word, GetParam() ? 0u : 7u);
}

TEST(KernelFaults, MinorFaultsOfHugePagesContinue) {
  std::ofstream("/proc/sys/vm/nr_hugepages") << 32;
  const MemoryFile file(2 * huge_size, MFD_HUGETLB);
  auto* const other = static_cast<volatile uint64_t*>(
      ::mmap(nullptr, 2 * huge_size, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor, 0));
  ASSERT_NE(const_cast<uint64_t*>(other), MAP_FAILED);
  other[huge_size / 8] = 4711;
  Kind kind;
  kind.mode = UFFDIO_REGISTER_MODE_MINOR;
  kind.features = UFFD_FEATURE_MINOR_HUGETLBFS;
  kind.memory = file.descriptor;
  const Area area(size_t{2} * 512, kind);
  const Obeyed obeyed(area);
  EXPECT_EQ(area.word(512), 4711u);
  EXPECT_EQ(obeyed.answered(3), 1u);
  ::munmap(const_cast<uint64_t*>(other), 2 * huge_size);
}

// The program's control group pays for its pages, and gets back what it paid.
TEST(KernelFaults, PagesAreChargedToTheProgram) {
  constexpr uint64_t pages = 4000, bytes = pages * Area::page_size;
  const std::filesystem::path root = "/run/userfault-cgroup", group = root / "program";
  std::filesystem::create_directories(root);
  ASSERT_EQ(::mount("cgroup2", root.c_str(), "cgroup2", 0, nullptr), 0) << std::strerror(errno);
  std::ofstream(root / "cgroup.subtree_control") << "+memory";
  std::filesystem::create_directory(group);
  const auto current = [&] {
    uint64_t value = 0;
    std::ifstream(group / "memory.current") >> value;
    return value;
  };
  const pid_t child = ::fork();
  if (child == 0) {
    std::ofstream(group / "cgroup.procs") << ::getpid();
    const Area area(pages + 100);
    const Obeyed obeyed(area);
    const uint64_t before = current();
    int wrong = 0;
    for (uint64_t page = 100; page < pages + 100; ++page) wrong += area.holds(page, page) ? 0 : 1;
    const uint64_t charged = current() - before;
    // Each CPU charges 64 pages at a time, in advance.
    const uint64_t in_advance = 64 * Area::page_size * std::thread::hardware_concurrency();
    ::_exit(wrong == 0 && charged + in_advance >= bytes && charged < bytes + bytes / 4 ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(soon([&] { return current() < bytes / 4; }, 10s)) << current();
  EXPECT_TRUE(soon([&] { return ::rmdir(group.c_str()) == 0; }, 10s));
  ::umount(root.c_str());
}

// ---- Virtual machines: the memory is touched by KVM, for a CPU of the guest's ---------------------------------------

TEST(GuestFaults, AreAnsweredLikeOthers) {
  const Area area(128);
  const Obeyed obeyed(area);
  const VirtualMachine machine(area.start(), area.size());
  const VirtualMachine::Cpu cpu(machine, 0);
  for (uint64_t page = 100; page < 120; ++page) {
    EXPECT_EQ(cpu.read(page * 4096 + 8 * (page % 500)), page);
    EXPECT_TRUE(area.holds(page, page)) << page;
  }
  EXPECT_EQ(cpu.read(zero * 4096 + 16), 0u);
  cpu.write(120ul * 4096 + 8, 77);  // a write fault: the page is there, then written
  EXPECT_EQ(area.word(120), 120u);
  EXPECT_EQ(reinterpret_cast<volatile uint64_t*>(area.at(120))[1], 77u);
  EXPECT_EQ(cpu.read(120ul * 4096 + 8), 77u);
  EXPECT_EQ(obeyed.resolved(), 21u);
  EXPECT_EQ(obeyed.answered(2), 1u);
  EXPECT_EQ(obeyed.passed(), 0u);
}

TEST(GuestFaults, OfSeveralCpusAtOnceFindTheirPages) {
  const Area area(128);
  const Obeyed obeyed(area);
  const VirtualMachine machine(area.start(), area.size());
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int number = 0; number < 2; ++number) {
    threads.emplace_back([&, number] {
      const VirtualMachine::Cpu cpu(machine, number);
      for (uint64_t page = 64; page < 128; ++page) wrong += cpu.read(page * 4096) == page ? 0 : 1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(obeyed.resolved(), 64u);
}

TEST(GuestFaults, ThatArePassedAreTheHandlers) {
  const Area area(128);
  const Obeyed obeyed(area);
  const OldHandler handler(area.descriptor());
  const VirtualMachine machine(area.start(), area.size());
  const VirtualMachine::Cpu cpu(machine, 0);
  EXPECT_EQ(cpu.read(passed * 4096), static_cast<uint32_t>(OldHandler::word));
  EXPECT_EQ(cpu.read(crashed * 4096), static_cast<uint32_t>(OldHandler::word));
  EXPECT_EQ(cpu.read(100ul * 4096), 100u);
  EXPECT_TRUE(soon([&] { return handler.served() == 2; }, 10s));
  EXPECT_TRUE(area.holds(passed, OldHandler::word));
}

TEST(GuestFaults, OfProtectedPagesAreAnswered) {
  const Area area(128, {.features = UFFD_FEATURE_PAGEFAULT_FLAG_WP,
                        .mode = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP});
  const Obeyed obeyed(area);
  const VirtualMachine machine(area.start(), area.size());
  const VirtualMachine::Cpu cpu(machine, 0);
  EXPECT_EQ(cpu.read(protect * 4096), static_cast<uint32_t>(protect));
  EXPECT_EQ(obeyed.answered(4), 0u);
  cpu.write(protect * 4096, 5);
  EXPECT_EQ(area.word(protect), 5u);
  EXPECT_EQ(obeyed.answered(4), 1u);
}

TEST(KernelFaults, HugePagesLargerThanItsBufferArePassed) {
  std::ofstream("/proc/sys/vm/nr_hugepages") << 16;
  const MemoryFile file(2 * huge_size, MFD_HUGETLB);
  Kind kind;
  kind.features = UFFD_FEATURE_MISSING_HUGETLBFS;
  kind.memory = file.descriptor;
  const Area area(size_t{2} * 512, kind);
  const Obeyed obeyed(area);
  auto waits = std::async(std::launch::async, [&] { return area.word(512); });
  EXPECT_TRUE(soon([&] { return obeyed.passed() == 1; }, 10s));
  uffdio_range all{area.start(), area.size()};
  ASSERT_EQ(::ioctl(area.descriptor(), UFFDIO_UNREGISTER, &all), 0);
  EXPECT_EQ(waits.get(), 0u);
}

TEST(KernelFaults, FaultsInsideTheKernelAreAnswered) {
  const Area area;
  const Obeyed obeyed(area);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], const_cast<uint8_t*>(area.at(33)), 4096), 4096);
  uint64_t word = 0;
  ASSERT_EQ(::read(ends[0], &word, sizeof(word)), 8);
  EXPECT_EQ(word, 33u);
  ASSERT_EQ(::read(ends[0], const_cast<uint8_t*>(area.at(34)), 8), 8);
  EXPECT_EQ(area.word(34), 33u);
  iovec here{&word, sizeof(word)}, there{const_cast<uint8_t*>(area.at(35)), sizeof(word)};
  ASSERT_EQ(::process_vm_readv(::getpid(), &here, 1, &there, 1, 0), 8);
  EXPECT_EQ(word, 35u);
  // The futex's word is not the one expected: it was read.
  EXPECT_EQ(::syscall(SYS_futex, area.at(36), FUTEX_WAIT, 1, nullptr, nullptr, 0), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(area.word(36), 36u);
  EXPECT_EQ(obeyed.resolved(), 4u);
  ::close(ends[0]);
  ::close(ends[1]);
}

// Reads events as programs do that asked for them.
class EventReader {
 public:
  explicit EventReader(int descriptor) : thread_([this, descriptor] { read_from(descriptor); }) {}
  ~EventReader() {
    done_ = true;
    thread_.join();
    if (child != -1) ::close(child);
  }
  EventReader(const EventReader&) = delete;
  EventReader& operator=(const EventReader&) = delete;
  std::atomic<int> events{0}, child{-1};

 private:
  void read_from(int descriptor) {
    while (!done_) {
      pollfd waiting{descriptor, POLLIN, 0};
      ::poll(&waiting, 1, 5);
      uffd_msg message;
      if (::read(descriptor, &message, sizeof(message)) != sizeof(message)) continue;
      if (message.event == UFFD_EVENT_FORK) child = static_cast<int>(message.arg.fork.ufd);
      if (message.event != UFFD_EVENT_PAGEFAULT) {
        ++events;
        continue;
      }
      // While the address space changes, faults are the descriptor's: they come again.
      uffdio_range page{message.arg.pagefault.address & ~uint64_t{4095}, 4096};
      ::ioctl(descriptor, UFFDIO_WAKE, &page);
    }
  }
  std::atomic<bool> done_{false};
  std::thread thread_;
};

TEST(KernelFaults, RangesMayChangeWhileFaultsCome) {
  Kind kind;
  kind.features = UFFD_FEATURE_EVENT_REMOVE | UFFD_FEATURE_EVENT_UNMAP | UFFD_FEATURE_EVENT_REMAP;
  const Area area(1024, kind);
  const Obeyed obeyed(area);
  EventReader reader(area.descriptor());
  std::atomic<bool> done{false};
  std::thread toucher([&] {
    while (!done) {
      for (uint64_t page = 100; page < 1000; ++page) {
        const uint64_t word = area.word(page);
        if (word != page && word != 0) ADD_FAILURE() << page << " holds " << word;
      }
    }
  });
  void* const part = const_cast<uint8_t*>(area.at(100));
  for (int i = 0; i < 50; ++i) ASSERT_EQ(::madvise(part, 900 * Area::page_size, MADV_DONTNEED), 0);
  uffdio_range half{area.start() + 500 * Area::page_size, 200 * Area::page_size};
  ASSERT_EQ(::ioctl(area.descriptor(), UFFDIO_UNREGISTER, &half), 0);
  ASSERT_EQ(::madvise(part, 900 * Area::page_size, MADV_DONTNEED), 0);
  std::this_thread::sleep_for(50ms);
  done = true;
  toucher.join();
  EXPECT_GE(reader.events, 50);
  EXPECT_EQ(area.word(600), 0u);
  EXPECT_EQ(area.word(800), 800u) << "numbers are those of the range as it was";
}

TEST(KernelFaults, AChildOfAForkIsItsOwnDescriptorsAffair) {
  Kind kind;
  kind.features = UFFD_FEATURE_EVENT_FORK;
  const Area area(64, kind);
  const Obeyed obeyed(area);
  EXPECT_EQ(area.word(30), 30u);
  EventReader reader(area.descriptor());
  const pid_t child = ::fork();
  if (child == 0) ::_exit(area.word(30) == 30 && area.word(31) == OldHandler::word ? 0 : 1);
  ASSERT_TRUE(soon([&] { return reader.child != -1; }, 10s));
  {
    ::fcntl(reader.child, F_SETFL, O_NONBLOCK);
    const OldHandler handler(reader.child);
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(soon([&] { return handler.served() == 1; }, 10s));
  }
  EXPECT_EQ(area.word(31), 31u);
}

TEST(KernelFaults, WithoutTheEventAChildHasZeros) {
  const Area area;
  const Obeyed obeyed(area);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(area.word(31) == 0 ? 0 : 1);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(obeyed.resolved(), 0u);
}

TEST(KernelFaults, OneExtensionForSeveralDescriptorsAndOneOnlyForEach) {
  const Area area, another;
  const Obeyed obeyed(area);
  ASSERT_TRUE(obeyed.attach(another));
  EXPECT_EQ(area.word(30), 30u);
  EXPECT_EQ(another.word(31), 31u);
  EXPECT_EQ(obeyed.info().userfaults, 2u);
  const auto again = obeyed.attach(area);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::refused);
}

TEST(KernelFaults, WhoWaitsAlreadyIsAnswered) {
  const Area area;
  auto waits = std::async(std::launch::async, [&] { return area.word(30); });
  EXPECT_EQ(waits.wait_for(50ms), std::future_status::timeout);
  const Obeyed obeyed(area);
  EXPECT_EQ(waits.get(), 30u);
}

TEST(KernelFaults, UnloadedInMidFlightTheHandlerTakesOver) {
  for (int round = 0; round < 5; ++round) {
    const Area area(8192);
    const OldHandler handler(area.descriptor());
    Obeyed obeyed(area);
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0};
    for (uint64_t t = 0; t < 2; ++t) {
      threads.emplace_back([&, t] {
        for (uint64_t page = 100 + t; page < 8000; page += 2)
          wrong += area.holds(page, page) || area.holds(page, OldHandler::word) ? 0 : 1;
      });
    }
    std::this_thread::sleep_for(20ms);
    obeyed.unload();
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_GT(handler.served(), 0);
  }
}

TEST(KernelFaults, AClosedDescriptorLeavesPlainMemory) {
  std::optional<Area> area(std::in_place);
  const Obeyed obeyed(*area);
  EXPECT_EQ(area->word(30), 30u);
  ::close(area->descriptor());
  EXPECT_EQ(obeyed.info().userfaults, 0u);
  EXPECT_EQ(area->word(31), 0u);
  EXPECT_EQ(area->word(30), 30u);
  EXPECT_EQ(::open("/dev/null", O_RDONLY | O_CLOEXEC), area->descriptor());  // for the area to close
}

class Source {
 public:
  explicit Source(const std::string& bytes)
      : path(std::filesystem::temp_directory_path() / ("vbpf-source-" + std::to_string(::getpid()))) {
    std::ofstream(path) << bytes;
  }
  ~Source() { std::filesystem::remove(path); }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  const std::filesystem::path path;
};

TEST(KernelFaults, ASourceIsReadAndOutlivesItsFile) {
  const Source source(std::string(5000, 's'));
  const Area area;
  kernel::ResidentOptions options;
  options.source = source.path;
  const Obeyed obeyed(area, options);
  EXPECT_EQ(obeyed.info().source_size, 5000u);
  std::filesystem::resize_file(source.path, 0);
  EXPECT_TRUE(area.holds(from_source, 0x7373737373737373));
  EXPECT_EQ(area.word(logs_source), uint64_t{logs_source});
}

TEST(KernelFaults, TheSourceCannotBeWritten) {
  const Source source(std::string(5000, 's'));
  const Area area;
  kernel::ResidentOptions options;
  options.source = source.path;
  const Obeyed obeyed(area, options);
  const OldHandler handler(area.descriptor());
  EXPECT_TRUE(area.holds(writes_source, OldHandler::word));
  EXPECT_GE(obeyed.info().faults, 1u);
  std::ifstream file(source.path);
  EXPECT_EQ(file.get(), 's');
}

// The garbage asks for pages ahead, at a stride beyond the range, and for protection, which this range is registered
// for.
TEST(KernelFaults, WhatAnExtensionWritesOverItsQuestionDoesNotMatter) {
  Kind kind;
  kind.mode = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP;
  kind.features = UFFD_FEATURE_PAGEFAULT_FLAG_WP;
  const Area area(64, kind);
  const Obeyed obeyed(area);
  EXPECT_TRUE(area.holds(lies, lies));
  EXPECT_EQ(obeyed.resolved(), 1u);
  EXPECT_EQ(obeyed.info().userfault_prefetched, 0u);
  EXPECT_EQ(obeyed.info().faults, 0u);
  *area.at(lies) = 1;
  EXPECT_EQ(obeyed.answered(4), 1u);
  EXPECT_EQ(area.word(36), 36u);
}

TEST(KernelFaults, RefusesWhatCannotBeAnswered) {
  const Area area;
  kernel::ResidentOptions options;
  const Obeyed obeyed(area);
  options.name = "plain";
  const auto resident = kernel::Resident::load(UFFD_EXTENSIONS "/obey.o", options);
  ASSERT_TRUE(resident);
  const auto error_of = [&](int descriptor, uint32_t entry) {
    const auto done = resident->answer({descriptor, ::getpid(), entry, 0});
    return done ? "" : done.error().message;
  };
  EXPECT_NE(error_of(0, 0).find("not a userfaultfd"), std::string::npos) << error_of(0, 0);
  Kind kind;
  kind.handshake = false;
  const Area without(1, kind);
  EXPECT_NE(error_of(without.descriptor(), 0), "");
  kind = {};
  kind.features = UFFD_FEATURE_SIGBUS;
  const Area with_signals(1, kind);
  EXPECT_NE(error_of(with_signals.descriptor(), 0), "");
  const Area another;
  EXPECT_NE(error_of(another.descriptor(), 1), "");
  EXPECT_EQ(error_of(another.descriptor(), 0), "");
  options.name = "sourced";
  options.source = "/nonexistent";
  EXPECT_NE(kernel::Resident::load(UFFD_EXTENSIONS "/obey.o", options).error().message.find("cannot read the source"),
            std::string::npos);
}

}  // namespace
}  // namespace vbpf::uffd::test
