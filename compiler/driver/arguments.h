// SPDX-License-Identifier: Apache-2.0
// The command line of vbpf-clang++, taken apart: what the driver itself acts on, and what goes to clang unchanged.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "variants.h"

namespace vbpf::driver {

enum class Stage {
  link,
  object,
  assembly,
  clang_only
};  // clang_only: -E, -M, -fsyntax-only: clang's answer is the answer
enum class Kind { c, cxx, assembly, object };

struct Input {
  std::string path;
  Kind kind;
  std::string language;  // the -x language in force, empty if the name decides
};

struct Arguments {
  Stage stage = Stage::link;
  std::vector<Input> inputs;
  std::vector<std::string> clang;  // options for clang, in order
  std::string output;              // -o, empty if not given
  PerVariant<bool> wants{{true, true, true}};
  bool variants_named = false;          // --variant was given: what is asked for by name must be built
  std::optional<Variant> emit_variant;  // --emit-variant: write that variant alone, as a plain object
  bool verbose = false, dry_run = false, has_standard = false, no_runtime = false;
  bool dependencies = false, dependency_target = false;
  std::string dependency_file;                        // -MF
  bool help = false, version = false, query = false;  // query: -print-..., -dump...
};

// The message is complete but for the program's name.
struct UsageError {
  std::string message;
};

// The variants wanted, as --variant= names them: "user,sfi".
std::string wanted_names(const Arguments& arguments);

std::optional<UsageError> parse(const std::vector<std::string>& words, Arguments& arguments);

}  // namespace vbpf::driver
