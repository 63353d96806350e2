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

// For the other variants: every plain return becomes a jump to the loader's return thunk, nothing else changes. Clang
// leaves returns in functions it makes itself (this-adjusting thunks, the caller of global constructors) whatever
// -mfunction-return=thunk-extern says. rewrite() does this too.
std::string use_return_thunk(std::string_view att_assembly);

}  // namespace vbpf::sfi
