// SPDX-License-Identifier: Apache-2.0
// The smallest loader there can be: a region with a verified image in it, and thunks that check nothing. It tests what
// the rewriter makes, not the engine: the code it runs is ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "vbpf/verifier.h"

namespace vbpf::test {

class Region {
 public:
  // Reads, verifies (as `variant`) and maps the object. Nothing, with the reasons in `errors`, if it is refused.
  static std::unique_ptr<Region> load(const std::string& path, verifier::Variant variant,
                                      std::vector<std::string>& errors);
  ~Region();
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  // Calls function(argument) on the region's stack with GS base at the region. The function must exist.
  uint64_t call(const std::string& function, uint64_t argument);
  bool has(const std::string& function) const;
  // What the extension said when the last call ended in vbpf_abort(); empty if it returned.
  const std::string& aborted() const { return aborted_; }
  const std::string& log() const { return log_; }
  const verifier::Image& image() const { return image_; }

 private:
  explicit Region(uint64_t base) : base_(base) {}
  bool map(uint64_t offset, size_t size, const void* bytes, size_t count, int protection);
  void write_thunks();
  friend struct Imports;

  uint64_t base_;
  verifier::Image image_;
  uint64_t gs_base_ = 0;
  std::string aborted_, log_;
};

}  // namespace vbpf::test
