// SPDX-License-Identifier: Apache-2.0
#include "loaded.h"

#include <algorithm>
#include <filesystem>

#include "channel.h"
#include "registry.h"
#include "resident_service.h"
#include "state_folder.h"

namespace vbpf::cli {

Result<std::vector<std::string>> all_loaded_names() {
  VBPF_TRY(std::vector<std::string> names, loaded_names());
  VBPF_TRY(const std::vector<std::string> residents, kernel::resident_names());
  names.insert(names.end(), residents.begin(), residents.end());
  std::sort(names.begin(), names.end());
  return names;
}

Result<Json> ask_loaded(const std::string& name, const Json& request) {
  VBPF_CHECK(check_name(name));
  std::error_code error;
  if (!std::filesystem::exists(state_path(name), error)) {
    VBPF_TRY(std::optional<Json> given, ask_resident(name, request));
    if (given) return std::move(*given);
  }
  return ask(name, request);
}

}  // namespace vbpf::cli
