// SPDX-License-Identifier: Apache-2.0
// Resolves page faults of this process by an extension, in place of a thread that reads a userfaultfd:
//
//   auto extension = vbpf::Extension::open("pager.o", {});
//   vbpf::PagerOptions options;
//   options.source = "memory.img";
//   auto pager = vbpf::Pager::page(*extension, {memory, size}, options);
//   if (!pager) return complain(pager.error().message);
//
// The extension is one for hook uffd: see <vbpf/uffd.h> and docs/userfaultfd.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "vbpf/export.h"
#include "vbpf/extension.h"

namespace vbpf {

// Where an extension answers page faults.
enum class PagerPlace {
  // In the kernel where that can, which takes CAP_SYS_MODULE; else in threads, and `log` is told why. In threads too if
  // the descriptor reports events (UFFD_FEATURE_EVENT_*), which somebody has to read.
  automatic,
  threads,  // of this process, which read the userfaultfd
  kernel,   // at fault time: with the patched kernel and protection keys. Events are left to another reader
  // In the thread that faults, in a handler of SIGBUS; asked for by name only. Accesses that the kernel makes for the
  // program (read(2) into such memory, futexes, KVM) fail with EFAULT instead of waiting for a page. Missing pages
  // only. A handler of SIGBUS of the program's own must be there before the pager is: it gets what is passed.
  faulting_thread,
};

struct PagerOptions {
  PagerPlace place = PagerPlace::automatic;
  std::string entry;           // empty: the only one in section "uffd"
  std::string source;          // a file that the extension may read, or empty
  uint32_t threads = 1;        // that serve, or ask at a time; at most 64. More than 1: not in the kernel
  uint32_t prefetch = 64;      // pages besides a fault's own, at most
  uint32_t max_restarts = 10;  // within a minute, after crashes; one more ends it
  // A line for each crash and restart of the extension, and when it ends by itself; what the extension itself logs goes
  // to LoadOptions::log. Called on a thread of the pager. That of one in the kernel looks twenty times a second, and
  // once more when the pager is destroyed; the kernel takes 100 lines a second of an extension's, and keeps the last 16
  // crashes, and a line here says how many were left out.
  std::function<void(std::string_view)> log;
  // page(): children of fork() are paged too, for as long as the pager lives; afterwards pages they miss are zeros. It
  // takes CAP_SYS_PTRACE, and threads. Else a child's missing pages are zeros. (attach() serves those of a descriptor
  // that has UFFD_FEATURE_EVENT_FORK.)
  bool children = false;
};

struct PagerStats {
  uint64_t faults = 0;      // of pages
  uint64_t answered = 0;    // resolved, zeroed, continued, unprotected, poisoned
  uint64_t passed = 0;      // left to another reader of the descriptor
  uint64_t prefetched = 0;  // pages nobody had touched
  uint64_t crashes = 0;     // of the extension
};

// Serves until it is destroyed. Thread safe. Its threads must not wait for anything that touches the memory, or for one
// that forks: `log` must not.
class VBPF_API Pager {
 public:
  // Memory of this process, page aligned, none of it touched yet: registers it, for missing pages, with a userfaultfd
  // of the pager's. Destruction makes it plain memory again. refused: no permission to make one that serves faults in
  // the kernel, too.
  static Result<std::unique_ptr<Pager>> page(const Extension& extension, std::span<std::byte> memory,
                                             const PagerOptions& options = {});
  // A userfaultfd of this process that has had its handshake and is somebody's set-up, in place of a handler thread.
  // For PagerPlace::faulting_thread it must have UFFD_FEATURE_SIGBUS; `log` is warned of what that means, since the
  // descriptor may be one from which more is expected.
  // The descriptor stays the caller's. After destruction faults wait for another reader.
  static Result<std::unique_ptr<Pager>> attach(const Extension& extension, int descriptor,
                                               const PagerOptions& options = {});
  virtual ~Pager() = default;

  virtual PagerPlace place() const = 0;
  virtual PagerStats stats() const = 0;
  // Why it serves no longer, if it has ended by itself.
  virtual std::optional<std::string> ended() const = 0;
};

}  // namespace vbpf
