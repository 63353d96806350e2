// SPDX-License-Identifier: Apache-2.0
#include "object_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace vbpf {
namespace {

constexpr off_t largest_object = 1 << 30;

}  // namespace

Error refusal(const std::string& name, const std::vector<verifier::Diagnostic>& diagnostics) {
  const verifier::Diagnostic& first = diagnostics.front();
  std::string text = name + ": " + first.rule;
  if (!first.symbol.empty()) {
    std::array<char, 32> offset;
    std::snprintf(offset.data(), offset.size(), "+0x%llx", static_cast<unsigned long long>(first.symbol_offset));
    text += " at " + first.symbol + offset.data();
  }
  if (!first.instruction.empty()) text += " (" + first.instruction + ")";
  text += ": " + first.message;
  if (!first.hint.empty()) text += "; " + first.hint;
  if (diagnostics.size() > 1)
    text += " (and " + std::to_string(diagnostics.size() - 1) + " more; `vbpf verify` lists them)";
  // A file that is no extension at all is bad input; one that the policy forbids is refused.
  const bool not_an_object = first.rule == "object-header";
  return {not_an_object ? ErrorKind::bad_input : ErrorKind::refused, text};
}

Result<std::vector<std::byte>> read_object(const std::string& path) {
  const auto failed = [&](const std::string& why) {
    return Error{errno == EACCES ? ErrorKind::refused : ErrorKind::bad_input, "cannot read " + path + ": " + why};
  };
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return failed(std::strerror(errno));
  struct stat status{};
  std::vector<std::byte> bytes;
  errno = 0;
  std::string why;
  if (::fstat(file, &status) != 0) {
    why = std::strerror(errno);
  } else if (!S_ISREG(status.st_mode)) {
    why = "not a regular file";
  } else if (status.st_size > largest_object) {
    why = "larger than 1 GiB";
  } else {
    bytes.resize(static_cast<size_t>(status.st_size));
    size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t got = ::read(file, bytes.data() + done, bytes.size() - done);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) why = std::strerror(errno);
      if (got <= 0) break;
      done += static_cast<size_t>(got);
    }
    bytes.resize(done);  // shorter if somebody cut it meanwhile: the verifier sees what was read
  }
  ::close(file);
  if (!why.empty()) return failed(why);
  return bytes;
}

const verifier::Symbol* function_at(const std::vector<verifier::Symbol>& symbols, uint64_t address) {
  auto after = std::upper_bound(symbols.begin(), symbols.end(), address,
                                [](uint64_t value, const verifier::Symbol& symbol) { return value < symbol.address; });
  while (after != symbols.begin()) {
    --after;
    if (after->function) return &*after;
  }
  return nullptr;
}

}  // namespace vbpf
