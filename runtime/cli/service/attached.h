// SPDX-License-Identifier: Apache-2.0
// What a worker's extension is attached to, as the verbs show it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "../output.h"
#include "worker.h"

namespace vbpf::cli {

class Attached {
 public:
  virtual ~Attached() = default;
  virtual Json place() const = 0;        // a few words of where
  virtual Json show() const = 0;         // where, and how
  virtual Json total() const = 0;        // counts, of all that serve
  virtual Json parts() const = 0;        // and of each
  virtual const char* part() const = 0;  // what a part is: "queue", "thread"
  // Why it is attached no longer, if it is not.
  virtual std::optional<std::string> detached() const = 0;
};

// To the device or the process that the request names.
Result<std::unique_ptr<Attached>> attach(const LoadRequest& request, const Extension& extension,
                                         const std::string& chain_record, std::function<void(const Event&)> on_event);

}  // namespace vbpf::cli
