// SPDX-License-Identifier: Apache-2.0
// The extensions that the kernel holds, whoever loaded them.
#pragma once

#include <linux/vbpf.h>

#include <optional>
#include <string>
#include <vector>

#include "machine.h"

namespace vbpf::kernel {

// Names, sorted; none where there is no engine. refused: there is one, and it may not be asked.
Result<std::vector<std::string>> resident_names();

// One of them, held by a descriptor: its memory stays while this does.
class Held {
 public:
  // Nothing when the kernel has none of that name.
  static Result<std::optional<Held>> find(const std::string& name);

  Result<vbpf_info> info() const;
  int descriptor() const { return extension_.get(); }
  Result<void> unload() const;  // nothing runs it afterwards

 private:
  Held(Machine machine, File extension, uint32_t id)
      : machine_(std::move(machine)), extension_(std::move(extension)), id_(id) {}
  Machine machine_;
  File extension_;
  uint32_t id_;
};

}  // namespace vbpf::kernel
