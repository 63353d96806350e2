// SPDX-License-Identifier: Apache-2.0
// Source to object: one run of clang per source makes assembly, from which each variant is made; the variants are
// linked with the extension runtime and put into one file.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "arguments.h"
#include "process.h"
#include "toolchain.h"

namespace vbpf::driver {

// One input as relocatable objects, one per variant. A path is empty when that variant is not there; `no_sfi` then says
// why.
struct Unit {
  std::string source;
  std::string user, sfi;
  std::string no_sfi;
};

struct Job {
  const Arguments& arguments;
  const Toolchain& toolchain;
  TemporaryFolder& folder;
  mutable std::set<std::string> dependency_files = {};  // written by this run: the next rule is appended

  // Runs a tool as -v and -### ask for.
  int run_tool(const std::vector<std::string>& words, std::string* errors = nullptr) const;
};

void error(const std::string& message);
void warning(const std::string& message);

// All of these return an exit code, and have said what is wrong when it is not 0.
int compile(const Job& job, const Input& input, const std::string& output, Unit& unit);
int write_assembly(const Job& job, const Input& input, const std::string& output);
int link(const Job& job, const std::vector<Unit>& units, Unit& linked);
int write_object(const Job& job, const Unit& unit, const std::string& output);

}  // namespace vbpf::driver
