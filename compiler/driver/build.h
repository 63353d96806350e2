// SPDX-License-Identifier: Apache-2.0
// Source to object: clang makes assembly, from which each variant is made; the variants are linked with the extension
// runtime and put into one file.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "arguments.h"
#include "process.h"
#include "toolchain.h"
#include "variants.h"

namespace vbpf::driver {

// One input as relocatable objects, one per variant.
struct Unit {
  std::string source;
  PerVariant<Part> parts;
};

struct Job {
  const Arguments& arguments;
  const Toolchain& toolchain;
  TemporaryFolder& folder;
  mutable std::set<std::string> dependency_files = {};  // written by this run: the next rule is appended

  // Runs a tool as -v and -### ask for.
  int run_tool(const std::vector<std::string>& words, std::string* errors = nullptr) const;
  // The same, but does not wait for it; what it says is collected.
  Process start_tool(const std::vector<std::string>& words) const;
};

void error(const std::string& message);
void warning(const std::string& message);

// All of these return an exit code, and have said what is wrong when it is not 0.
int compile(const Job& job, const Input& input, const std::string& output, Unit& unit);
int write_assembly(const Job& job, const Input& input, const std::string& output);
int link(const Job& job, const std::vector<Unit>& units, Unit& linked);
int write_object(const Job& job, const Unit& unit, const std::string& output);

int assemble(const Job& job, const std::string& assembly, const std::string& object);
// Clang leaves plain returns in functions it makes itself, such as this-adjusting thunks, whatever -mfunction-return
// says. False, having said why, if the file cannot be written.
bool close_returns(const Job& job, const std::string& assembly);

}  // namespace vbpf::driver
