// SPDX-License-Identifier: Apache-2.0
// /run/vbpf/NAME: that an extension of this name is loaded, and where its worker listens. VBPF_RUN_DIR replaces
// /run/vbpf.
#pragma once

#include <string>
#include <vector>

#include "file.h"
#include "vbpf/result.h"

namespace vbpf::cli {

// Letters, digits, '_', '.', '-'; no leading '.' or '-'; at most 64.
Result<void> check_name(const std::string& name);

std::string run_folder();
std::string state_path(const std::string& name);

// Owned by the keeper and its worker: whoever holds the lock file's lock is alive. It goes with the last of them.
class StateFolder {
 public:
  // Creates the folder, or takes over one whose owners are gone. refused: loaded already.
  static Result<StateFolder> claim(const std::string& name);

  const std::string& name() const { return name_; }
  int lock() const { return lock_.get(); }
  // Where the hook writes which chain of programs it has joined. Whoever removes or takes over the folder reads it.
  std::string chain_record() const { return folder_ + "/chain"; }
  // A listening socket in the folder.
  Result<File> listen() const;
  // Deletes the folder, unless it is somebody else's by now, and what a dead worker left on a device. Idempotent. What
  // cannot be taken off the device keeps its folder: the next command that looks tries again.
  void remove() const;

 private:
  StateFolder(std::string name, std::string folder, File lock)
      : name_(std::move(name)), folder_(std::move(folder)), lock_(std::move(lock)) {}
  bool still_ours() const;
  Result<void> clear() const;

  std::string name_, folder_;  // folder_: absolute
  File lock_;
};

// Names that are loaded, sorted. Folders whose owners are gone are deleted on the way.
Result<std::vector<std::string>> loaded_names();

}  // namespace vbpf::cli
