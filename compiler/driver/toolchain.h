// SPDX-License-Identifier: Apache-2.0
// Where the tools and the SDK are, and the options that make clang's output an extension.
#pragma once

#include <string>
#include <vector>

#include "arguments.h"

namespace vbpf::driver {

struct Toolchain {
  std::string clang = "clang-19";
  std::string linker = "ld.lld-19";
  std::string objcopy = "llvm-objcopy-19";
  std::string sdk;      // <prefix>/share/vbpf/sdk
  std::string runtime;  // <prefix>/lib/vbpf; in it <variant>/libvbpf_rt.a
};

// Found from the executable's own place: <prefix>/bin/vbpf-clang++.
Toolchain find_toolchain();

// clang and all its options for one source, without the input, -o and the stage (-S, -E, ...). What is fixed by the ABI
// comes after the user's options.
// The user and the sfi variant are made of the same assembly.
std::vector<std::string> compile_command(const Toolchain& toolchain, const Arguments& arguments, const Input& input,
                                         Variant variant);

// The same for an assembly file that clang wrote: no option of the user matters any more.
std::vector<std::string> assemble_command(const Toolchain& toolchain);

}  // namespace vbpf::driver
