// SPDX-License-Identifier: Apache-2.0
// The SFI rewriter: turns the assembly Clang writes for x86-64 (AT&T syntax) into assembly that obeys docs/sfi.md.
//
//   auto result = vbpf::sfi::rewrite(assembly);
//   if (!result.errors.empty()) ...   // nothing may be made of result.assembly then
//
// Not part of the trusted base: the verifier checks what the assembler makes of the result.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vbpf::sfi {

struct RewriteResult {
  std::string assembly;             // empty when there are errors
  std::vector<std::string> errors;  // "line N: `instruction`: why not", followed by " (file.cpp:12)" where .loc tells
};

RewriteResult rewrite(std::string_view att_assembly);

}  // namespace vbpf::sfi
