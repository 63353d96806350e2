// SPDX-License-Identifier: Apache-2.0
// Children of a served program's forks: their descriptors are the worker's alone, and a worker that is killed would
// leave them pages of zeros. So its keeper has them too.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "pager.h"

namespace vbpf::cli {

// A pair of sockets for them: the keeper's end, which does not block, and the worker's.
Result<std::pair<File, File>> make_child_channel();

// By the worker. When nobody hears it, the keeper has died, and the worker ends too.
void tell_of_child(int channel, const uffd::ChildNews& news);

// The keeper's.
class KnownChildren {
 public:
  explicit KnownChildren(const uffd::Target& parent) : parent_(parent) {}
  // What has been told by now. False: nobody will tell more.
  bool hear(int channel);
  // Nobody answers their faults any more.
  void give_up(uffd::OnExit policy) const;

 private:
  struct Known {
    uffd::Target target;
    std::vector<uffd::Range> ranges;
  };
  const uffd::Target& parent_;
  std::map<uint64_t, Known> children_;
};

}  // namespace vbpf::cli
