// SPDX-License-Identifier: Apache-2.0
// Collects the reasons to refuse, at most as many as asked for, with strings cut to a bounded length.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "object.h"
#include "vbpf/verifier.h"

namespace vbpf::verifier {

// Where in the object: a section (0: the object as a whole) and an offset in it.
struct Place {
  uint32_t section = 0;
  uint64_t offset = 0;
};

class Reporter {
 public:
  explicit Reporter(size_t max) : max_(max < 1 ? 1 : max) {}

  // The object whose sections and symbols are named; must outlive the reporter's use.
  void set_object(const Object* object) { object_ = object; }
  // Which variant's object this is, put in front of messages ("in vbpf.variant.sfi: "); empty for the file itself.
  void set_prefix(std::string prefix) { prefix_ = std::move(prefix); }

  void add(std::string_view rule, Place place, const std::string& message, std::string hint,
           std::string instruction = {});

  bool any() const { return !diagnostics_.empty(); }
  bool full() const { return diagnostics_.size() >= max_; }
  std::vector<Diagnostic> take() { return std::exchange(diagnostics_, {}); }

 private:
  size_t max_;
  const Object* object_ = nullptr;
  std::string prefix_;
  std::vector<Diagnostic> diagnostics_;
};

// A name from the file, made fit to print: cut to 200 bytes, unprintable bytes replaced.
std::string printable(std::string_view name);
// 0x-prefixed.
std::string hex(uint64_t value);

}  // namespace vbpf::verifier
