// SPDX-License-Identifier: Apache-2.0
// opcodes.def as a table.
#pragma once

#include <Zydis/Zydis.h>

#include <string_view>

#include "vbpf/verifier.h"

namespace vbpf::verifier {

struct OpcodeClass {
  bool listed = false;  // false: the mnemonic is in no class
  bool user = false, sfi = false, kernel = false;
  std::string_view name, why, hint;

  bool is_float() const { return name == "sse_float" || name == "avx_float"; }

  bool allowed(Variant variant) const {
    return variant == Variant::user ? user : variant == Variant::sfi ? sfi : kernel;
  }
};

const OpcodeClass& class_of(const ZydisDecodedInstruction& instruction);

}  // namespace vbpf::verifier
