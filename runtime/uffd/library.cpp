// SPDX-License-Identifier: Apache-2.0
// <vbpf/pager.h>: the pager for programs of their own.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "faulting_thread.h"
#include "pager.h"
#include "resident.h"
#include "resident_pager.h"
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

// What waits for somebody to read about it: the extension in the kernel does not, as the threads do.
constexpr uint64_t all_events =
    UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_REMOVE | UFFD_FEATURE_EVENT_UNMAP;

// Whether to try, of a machine that has the engine.
bool is_for_kernel(const Extension& extension, const uffd::Target& target, const PagerOptions& asked) {
  if (asked.place != PagerPlace::automatic) return asked.place == PagerPlace::kernel;
  return asked.threads == 1 && extension.confinement() != Confinement::unconfined &&
         (target.features() & all_events) == 0 && kernel::Machine::open();
}

// `is_own`: the caller closes the descriptor, and nobody else has it.
Result<std::unique_ptr<Pager>> serve(const Extension& extension, int descriptor, bool is_own, const PagerOptions& asked,
                                     uffd::OnExit on_exit) {
  const bool in_place = asked.place == PagerPlace::faulting_thread;
  VBPF_TRY(uffd::Target target, uffd::Target::of_descriptor(descriptor, ::getpid(), in_place));
  if (is_for_kernel(extension, target, asked)) {
    auto pager = uffd::answer_in_kernel(extension, target, is_own, asked);
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
  if (options.children && options.place != PagerPlace::automatic && options.place != PagerPlace::threads)
    return Error{ErrorKind::bad_input,
                 "children of fork() are paged by threads alone: choose that place, or automatic"};
  VBPF_TRY(File descriptor, new_descriptor(with_signals));
  uint64_t features = with_signals ? UFFD_FEATURE_SIGBUS : 0;
  if (options.children) features |= all_events;
  uffdio_api api{UFFD_API, features, 0};
  const bool agreed = ::ioctl(descriptor.get(), UFFDIO_API, &api) == 0;
  if (!agreed && errno == EPERM && options.children)
    return Error{ErrorKind::refused, "children of fork() cannot be paged without CAP_SYS_PTRACE"};
  if (!agreed)
    return Error{ErrorKind::machine, std::string("the userfaultfd's handshake failed: ") + std::strerror(errno)};
  uffdio_register range{{reinterpret_cast<uint64_t>(memory.data()), memory.size()}, UFFDIO_REGISTER_MODE_MISSING, 0};
  if (::ioctl(descriptor.get(), UFFDIO_REGISTER, &range) != 0) {
    return Error{ErrorKind::bad_input,
                 std::string("the memory cannot be paged: it must be whole pages, mapped, anonymous or shared, and of "
                             "no other userfaultfd: ") +
                     std::strerror(errno)};
  }
  return serve(extension, descriptor.get(), true, options, uffd::OnExit::zero);
}

Result<std::unique_ptr<Pager>> Pager::attach(const Extension& extension, int descriptor, const PagerOptions& options) {
  // Nothing shows how the descriptor was made.
  if (options.place == PagerPlace::faulting_thread && options.log)
    options.log(
        "warning: in the thread that faults, what the kernel does to the memory (read(2), futexes, KVM) fails with "
        "EFAULT, also where the descriptor was made without UFFD_USER_MODE_ONLY");
  return serve(extension, descriptor, false, options, uffd::OnExit::wait);
}

}  // namespace vbpf
