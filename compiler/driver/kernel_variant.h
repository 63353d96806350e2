// SPDX-License-Identifier: Apache-2.0
// The kernel variant: the same source compiled once more, for general registers alone; floating point becomes calls of
// the extension runtime. Clang runs beside the one that makes the other variants, and what it says is not shown: a
// source that has no such form leaves the variant out, with clang's first error as the reason.
#pragma once

#include <string>
#include <string_view>

#include "build.h"

namespace vbpf::driver {

class KernelCompilation {
 public:
  // Starts clang.
  KernelCompilation(const Job& job, const Input& input, const std::string& object);

  // Waits, and makes `part`: the object, or why there is none. An exit code for what is wrong with the driver's set-up
  // alone.
  int finish(Part& part);
  const std::string& dependencies() const { return dependencies_; }  // a file; it need not be there

 private:
  const Job& job_;
  const Input& input_;
  std::string assembly_, dependencies_;
  Process clang_;
};

// The rest of the way of the assembly that clang made for it.
int finish_kernel(const Job& job, const Input& input, const std::string& assembly, Part& part);

// An assembly file, taken as it is.
int assemble_for_kernel(const Job& job, const Input& input, Part& part);

// The first error of a tool's output, without its "error: ".
std::string first_error(std::string_view output);

}  // namespace vbpf::driver
