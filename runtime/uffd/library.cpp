// SPDX-License-Identifier: Apache-2.0
// <vbpf/pager.h>: the pager for programs of their own.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "pager.h"
#include "vbpf/pager.h"

#ifndef USERFAULTFD_IOC_NEW  // Linux 6.1
#define USERFAULTFD_IOC_NEW _IO(0xAA, 0x00)
#endif

namespace vbpf {
namespace {

class LibraryPager final : public Pager {
 public:
  explicit LibraryPager(std::unique_ptr<uffd::Pager> pager) : pager_(std::move(pager)) {}

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
  std::optional<std::string> ended() const override { return pager_->detached(); }

 private:
  std::unique_ptr<uffd::Pager> pager_;
};

Result<std::unique_ptr<Pager>> serve(const Extension& extension, int descriptor, const PagerOptions& asked,
                                     uffd::OnExit on_exit) {
  VBPF_TRY(uffd::Target target, uffd::Target::of_descriptor(descriptor, ::getpid()));
  uffd::Options options;
  options.entry = asked.entry;
  options.source = asked.source;
  options.threads = asked.threads;
  options.prefetch = asked.prefetch;
  options.max_restarts = asked.max_restarts;
  options.on_exit = on_exit;
  VBPF_TRY(auto pager,
           uffd::Pager::attach(extension, std::move(target), options, [log = asked.log](const Event& event) {
             if (log) log(event.message);
           }));
  return std::unique_ptr<Pager>(std::make_unique<LibraryPager>(std::move(pager)));
}

// One that serves faults in the kernel as well: of read(2) into the memory, say.
Result<File> new_descriptor() {
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
  VBPF_TRY(const File descriptor, new_descriptor());
  uffdio_api api{UFFD_API, 0, 0};
  if (::ioctl(descriptor.get(), UFFDIO_API, &api) != 0)
    return Error{ErrorKind::machine, std::string("the userfaultfd's handshake failed: ") + std::strerror(errno)};
  uffdio_register range{{reinterpret_cast<uint64_t>(memory.data()), memory.size()}, UFFDIO_REGISTER_MODE_MISSING, 0};
  if (::ioctl(descriptor.get(), UFFDIO_REGISTER, &range) != 0) {
    return Error{ErrorKind::bad_input,
                 std::string("the memory cannot be paged: it must be whole pages, mapped, anonymous or shared, and of "
                             "no other userfaultfd: ") +
                     std::strerror(errno)};
  }
  return serve(extension, descriptor.get(), options, uffd::OnExit::zero);
}

Result<std::unique_ptr<Pager>> Pager::attach(const Extension& extension, int descriptor, const PagerOptions& options) {
  return serve(extension, descriptor, options, uffd::OnExit::wait);
}

}  // namespace vbpf
