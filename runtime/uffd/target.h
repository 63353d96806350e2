// SPDX-License-Identifier: Apache-2.0
// A userfaultfd, the process whose memory it is about, and what can be asked of the two.
#pragma once

#include <linux/userfaultfd.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "file.h"

namespace vbpf::uffd {

// What becomes of faults once nobody answers for the extension any more.
enum class OnExit {
  wait,    // they wait for the program's own handler
  zero,    // the ranges are not registered any more: the kernel gives pages of zeros
  poison,  // pages that are missing give SIGBUS
};

// A mapping that is registered with some userfaultfd.
struct Range {
  uint64_t start = 0, end = 0, page_size = 4096;
  bool missing = false, write_protect = false, minor = false;
};

// The largest page in them that is no larger than `most`; at least 4096.
uint64_t largest_page(const std::vector<Range>& ranges, uint64_t most);

class Target {
 public:
  // Takes the descriptor `number` of a process, or the only userfaultfd it has. bad_input: there is none; refused: the
  // process is not ours to touch, or the descriptor has had no handshake (UFFDIO_API).
  static Result<Target> of_process(pid_t pid, std::optional<int> number);
  // The one that a process sends with SCM_RIGHTS through the Unix socket `path`, which is made, and gone again when
  // this returns. Waits until somebody connects, after calling `when_ready`; bad_input: what is sent is no userfaultfd.
  static Result<Target> of_sender(const std::string& path, const std::function<void()>& when_ready);
  // One of this process's own, duplicated. `pid`: whose memory it is about. `with_signals`: one that reports faults by
  // SIGBUS (UFFD_FEATURE_SIGBUS), where any other is refused as such a one is elsewhere.
  static Result<Target> of_descriptor(int descriptor, pid_t pid, bool with_signals = false);
  // Takes what UFFD_EVENT_FORK brought, of a process that this one was a part of. Nobody says which process the child
  // is: it has no pid, and ranges() is an error.
  static Target of_child(File descriptor, const Target& parent);

  // The same once more.
  Result<Target> duplicate() const;

  int descriptor() const { return descriptor_.get(); }
  int number() const { return number_; }          // in the process
  pid_t pid() const { return pid_; }              // 0: a child's
  int process() const { return process_.get(); }  // pidfd; -1: this process, or a child
  bool is_child() const { return pid_ == 0; }
  bool blocking() const { return blocking_; }      // without O_NONBLOCK, which poll() needs
  uint64_t features() const { return features_; }  // UFFD_FEATURE_* of the handshake
  bool gone() const;                               // the process has ended, or a child has executed another program

  bool has_no_memory() const;  // no longer what it was attached to: it is ending, or has executed another program

  // Faults that nobody has read yet.
  Result<uint64_t> pending() const;
  // The registered mappings of the process, of this descriptor or of another.
  Result<std::vector<Range>> ranges() const;

  // Makes who waits there try again.
  void wake(uint64_t start, uint64_t size) const;
  // Nobody answers any more. Faults that were read and not answered come again, and find what `policy` says.
  void hand_back(OnExit policy) const;
  // The same of a child with these ranges, before its descriptor is closed. Nobody else has that, so there is none who
  // could be waited for: `wait` poisons too. False: the kernel cannot, and gives pages of zeros.
  bool give_up(OnExit policy, const std::vector<Range>& ranges) const;

 private:
  void give_up_forks(OnExit policy, const std::vector<Range>& ranges) const;
  int poison(uint64_t start, uint64_t end, uint64_t page_size) const;
  Target() = default;
  static Result<Target> check(Target target, bool with_signals = false);
  File descriptor_, process_;
  int number_ = -1;
  pid_t pid_ = 0;
  bool blocking_ = false;
  uint64_t features_ = 0;
};

// The flag that the kernel adds to a context's features once it has had its handshake.
inline constexpr uint64_t feature_initialized = uint64_t{1} << 31;

}  // namespace vbpf::uffd
