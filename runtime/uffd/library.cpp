// SPDX-License-Identifier: Apache-2.0
// <vbpf/pager.h>: the pager for programs of their own.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <atomic>
#include <numeric>

#include "faulting_thread.h"
#include "pager.h"
#include "resident.h"
#include "vbpf/pager.h"

#ifndef UFFD_USER_MODE_ONLY  // Linux 5.11
#define UFFD_USER_MODE_ONLY 1
#endif
#ifndef USERFAULTFD_IOC_NEW  // Linux 6.1
#define USERFAULTFD_IOC_NEW _IO(0xAA, 0x00)
#endif

namespace vbpf {
namespace {

class LibraryPager final : public Pager {
 public:
  LibraryPager(std::unique_ptr<uffd::Pager> pager, PagerPlace place) : pager_(std::move(pager)), place_(place) {}

  PagerStats stats() const override {
    PagerStats sum;
    for (const uffd::Stats& one : pager_->stats()) {
      sum.faults += one.faults;
      sum.answered += one.resolved + one.zeroed + one.continued + one.unprotected + one.poisoned;
      sum.passed += one.passed;
      sum.prefetched += one.prefetched;
      sum.crashes += one.crashes;
    }
    return sum;
  }
  PagerPlace place() const override { return place_; }
  std::optional<std::string> ended() const override { return pager_->detached(); }

 private:
  std::unique_ptr<uffd::Pager> pager_;
  PagerPlace place_;
};

// The extension goes with its descriptor, and then what keeps the userfaultfd.
class KernelPager final : public Pager {
 public:
  KernelPager(File descriptor, kernel::Resident resident)
      : descriptor_(std::move(descriptor)), resident_(std::move(resident)) {}

  PagerPlace place() const override { return PagerPlace::kernel; }
  PagerStats stats() const override {
    PagerStats sum;
    const Result<vbpf_info> info = resident_.info();
    if (!info) return sum;
    sum.passed = info->userfault_verdicts[0];
    sum.faults = std::accumulate(std::begin(info->userfault_verdicts), std::end(info->userfault_verdicts), uint64_t{0});
    sum.answered = sum.faults - sum.passed;
    sum.prefetched = info->userfault_prefetched;
    sum.crashes = info->faults;
    return sum;
  }
  std::optional<std::string> ended() const override {
    const Result<vbpf_info> info = resident_.info();
    if (info && info->state == VBPF_STATE_DETACHED) return "the extension faulted too often";
    return std::nullopt;
  }

 private:
  File descriptor_;  // open as long as the memory is to be registered; or none, when that is the caller's affair
  kernel::Resident resident_;
};

// The kernel knows extensions by names: one for each pager on the machine.
std::string unique_name(const std::string& of) {
  static std::atomic<uint64_t> count{0};
  return of.substr(0, 30) + "-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
}

Result<std::unique_ptr<Pager>> answer_in_kernel(const Extension& extension, const uffd::Target& target, File keep,
                                                const PagerOptions& asked) {
  VBPF_TRY(const std::vector<uffd::Range> ranges, target.ranges());
  kernel::ResidentOptions options;
  options.name = unique_name(extension.name());
  options.budget = extension.budget();
  options.stack_size = extension.stack_size();
  options.heap_size = extension.heap_size();
  options.on_fault = VBPF_ON_FAULT_RESTART;
  options.max_restarts = asked.max_restarts;
  options.source = asked.source;
  options.fill_size = static_cast<uint32_t>(uffd::largest_page(ranges, VBPF_USERFAULT_PAGE_MAX));
  const std::span<const std::byte> object = extension.object();
  VBPF_TRY(kernel::Resident resident,
           kernel::Resident::load({object.begin(), object.end()}, extension.name(), options));
  VBPF_TRY(const size_t entry, choose_entry(resident.entries(), {"uffd", asked.entry}, extension.name()));
  VBPF_CHECK(resident.answer({target.descriptor(), ::getpid(), static_cast<uint32_t>(entry), asked.prefetch}));
  return std::unique_ptr<Pager>(std::make_unique<KernelPager>(std::move(keep), std::move(resident)));
}

// Whether to try, of a machine that has the engine.
bool is_for_kernel(const Extension& extension, const PagerOptions& asked) {
  if (asked.place != PagerPlace::automatic) return asked.place == PagerPlace::kernel;
  return asked.threads == 1 && extension.confinement() != Confinement::unconfined && kernel::Machine::open();
}

// `keep`: what the pager is to keep open.
Result<std::unique_ptr<Pager>> serve(const Extension& extension, int descriptor, File keep, const PagerOptions& asked,
                                     uffd::OnExit on_exit) {
  const bool in_place = asked.place == PagerPlace::faulting_thread;
  VBPF_TRY(uffd::Target target, uffd::Target::of_descriptor(descriptor, ::getpid(), in_place));
  if (is_for_kernel(extension, asked)) {
    auto pager = answer_in_kernel(extension, target, std::move(keep), asked);
    if (pager || asked.place == PagerPlace::kernel) return pager;
    if (asked.log) asked.log("in threads, not in the kernel: " + pager.error().message);
  }
  uffd::Options options;
  options.entry = asked.entry;
  options.source = asked.source;
  options.threads = asked.threads;
  options.prefetch = asked.prefetch;
  options.max_restarts = asked.max_restarts;
  options.on_exit = on_exit;
  const auto on_event = [log = asked.log](const Event& event) {
    if (log) log(event.message);
  };
  std::unique_ptr<uffd::Pager> pager;
  if (in_place) {
    VBPF_TRY(pager, uffd::attach_to_faulting_threads(extension, std::move(target), options, on_event));
  } else {
    VBPF_TRY(pager, uffd::Pager::attach(extension, std::move(target), options, on_event));
  }
  return std::unique_ptr<Pager>(
      std::make_unique<LibraryPager>(std::move(pager), in_place ? asked.place : PagerPlace::threads));
}

// One that serves faults in the kernel as well: of read(2) into the memory, say. With signals anybody may have one, of
// the program's own faults.
Result<File> new_descriptor(bool with_signals) {
  if (with_signals) {
    File own(static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY)));
    if (own) return own;
    return Error{ErrorKind::machine, std::string("no userfaultfd: ") + std::strerror(errno)};
  }
  File made(static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK)));
  if (made) return made;
  const int why = errno;
  const File device(::open("/dev/userfaultfd", O_RDWR | O_CLOEXEC));
  if (device) made = File(::ioctl(device.get(), USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK));
  if (made) return made;
  if (why != EPERM) return Error{ErrorKind::machine, std::string("no userfaultfd: ") + std::strerror(why)};
  return Error{ErrorKind::refused,
               "a userfaultfd is not permitted: run as root, give access to /dev/userfaultfd, or set "
               "vm.unprivileged_userfaultfd to 1"};
}

}  // namespace

Result<std::unique_ptr<Pager>> Pager::page(const Extension& extension, std::span<std::byte> memory,
                                           const PagerOptions& options) {
  const bool with_signals = options.place == PagerPlace::faulting_thread;
  VBPF_TRY(File descriptor, new_descriptor(with_signals));
  uffdio_api api{UFFD_API, with_signals ? uint64_t{UFFD_FEATURE_SIGBUS} : 0, 0};
  if (::ioctl(descriptor.get(), UFFDIO_API, &api) != 0)
    return Error{ErrorKind::machine, std::string("the userfaultfd's handshake failed: ") + std::strerror(errno)};
  uffdio_register range{{reinterpret_cast<uint64_t>(memory.data()), memory.size()}, UFFDIO_REGISTER_MODE_MISSING, 0};
  if (::ioctl(descriptor.get(), UFFDIO_REGISTER, &range) != 0) {
    return Error{ErrorKind::bad_input,
                 std::string("the memory cannot be paged: it must be whole pages, mapped, anonymous or shared, and of "
                             "no other userfaultfd: ") +
                     std::strerror(errno)};
  }
  const int number = descriptor.get();
  return serve(extension, number, std::move(descriptor), options, uffd::OnExit::zero);
}

Result<std::unique_ptr<Pager>> Pager::attach(const Extension& extension, int descriptor, const PagerOptions& options) {
  return serve(extension, descriptor, File(), options, uffd::OnExit::wait);
}

}  // namespace vbpf
