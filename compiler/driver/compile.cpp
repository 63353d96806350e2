// SPDX-License-Identifier: Apache-2.0
// The compile step.
#include <cstdio>
#include <filesystem>

#include "build.h"
#include "objects.h"
#include "sfi/rewriter.h"
#include "vbpf/abi.h"

namespace vbpf::driver {
namespace {

constexpr const char* variant_sections[] = {VBPF_SECTION_VARIANT_SFI, VBPF_SECTION_VARIANT_KERNEL,
                                            VBPF_SECTION_MISSING_SFI, VBPF_SECTION_MISSING_KERNEL};

std::string dependency_file(const Arguments& arguments, const std::string& output) {
  if (!arguments.dependency_file.empty()) return arguments.dependency_file;
  return std::filesystem::path(output).replace_extension(".d").string();
}

// Runs clang. What -MD and its kin write names the object asked for, not the temporary file that clang is told to
// write; when several sources are linked to one object, its dependency file gets the rules of all of them.
int run_clang(const Job& job, std::vector<std::string> command, const std::string& object) {
  const Arguments& arguments = job.arguments;
  if (!arguments.dependencies) return job.run_tool(command);
  std::string part = job.folder.file("part.d"), whole = dependency_file(arguments, object);
  if (!arguments.dependency_target) command.insert(command.end(), {"-MQ", object});
  command.insert(command.end(), {"-MF", part});
  if (int code = job.run_tool(command)) return code;
  if (arguments.dry_run) return 0;
  std::optional<std::string> text = read_file(part);
  if (!text) return 0;  // a .s file has no dependencies
  std::string before = job.dependency_files.contains(whole) ? read_file(whole).value_or("") : "";
  job.dependency_files.insert(whole);
  if (write_file(whole, before + *text)) return 0;
  error("cannot write the dependency file '" + whole + "'");
  return 1;
}

int clang_to_assembly(const Job& job, const Input& input, const std::string& object, const std::string& assembly) {
  std::vector<std::string> command = compile_command(job.toolchain, job.arguments, input);
  command.insert(command.end(), {"-S", "-o", assembly, input.path});
  return run_clang(job, std::move(command), object);
}

int assemble(const Job& job, const std::string& assembly, const std::string& object) {
  std::vector<std::string> command = assemble_command(job.toolchain);
  command.insert(command.end(), {"-o", object, assembly});
  return job.run_tool(command);
}

// Makes `output` from `assembly`; false, with the reason, if the code has no SFI form.
bool rewrite(const Job& job, const std::string& assembly, const std::string& output, std::string& why) {
  if (job.arguments.verbose) print_command({"vbpf-clang++ (sfi rewriter)", assembly, "-o", output});
  if (job.arguments.dry_run) return true;
  std::optional<std::string> text = read_file(assembly);
  if (!text) {
    why = "the compiler's assembly cannot be read";
    return false;
  }
  sfi::RewriteResult result = sfi::rewrite(*text);
  if (!result.errors.empty()) {
    why = result.errors.front();
    return false;
  }
  if (!write_file(output, result.assembly)) why = "the rewritten assembly cannot be written: is the disk full?";
  return why.empty();
}

// Clang leaves plain returns in functions it makes itself, such as this-adjusting thunks, whatever -mfunction-return
// says.
bool close_returns(const Job& job, const std::string& assembly) {
  if (job.arguments.dry_run) return true;
  std::optional<std::string> text = read_file(assembly);
  if (text && write_file(assembly, sfi::use_return_thunk(*text))) return true;
  error("cannot rewrite '" + assembly + "': is the disk full?");
  return false;
}

int compile_source(const Job& job, const Input& input, const std::string& output, Unit& unit) {
  std::string assembly = job.folder.file(input.path + ".s");
  if (int code = clang_to_assembly(job, input, output, assembly)) return code;
  if (!close_returns(job, assembly)) return 1;
  if (job.arguments.want_user) {
    unit.user = job.folder.file(input.path + ".o");
    if (int code = assemble(job, assembly, unit.user)) return code;
  }
  if (!job.arguments.want_sfi) {
    unit.no_sfi = "it was compiled with --variant=user";
    return 0;
  }
  std::string rewritten = job.folder.file(input.path + ".sfi.s");
  if (!rewrite(job, assembly, rewritten, unit.no_sfi)) {
    unit.no_sfi = input.path + ": " + unit.no_sfi;
    return 0;
  }
  unit.sfi = job.folder.file(input.path + ".sfi.o");
  if (int code = assemble(job, rewritten, unit.sfi)) return code;
  return 0;
}

int compile_assembly(const Job& job, const Input& input, const std::string& output, Unit& unit) {
  unit.no_sfi = input.path + " is assembly, which is taken as it is: write it in C++ or C to have it confined by SFI";
  unit.user = job.folder.file(input.path + ".o");
  std::vector<std::string> command = compile_command(job.toolchain, job.arguments, input);
  command.insert(command.end(), {"-c", "-o", unit.user, input.path});
  return run_clang(job, std::move(command), output);
}

// Takes an object apart into its variants.
int open_object(const Job& job, const Input& input, Unit& unit) {
  std::string why;
  std::optional<ObjectFile> object = ObjectFile::open(input.path, why);
  if (!object) {
    error("'" + input.path + "': " + why);
    return 1;
  }
  std::optional<std::string_view> sfi = object->section(VBPF_SECTION_VARIANT_SFI);
  std::optional<std::string_view> missing = object->section(VBPF_SECTION_MISSING_SFI);
  if (sfi) {
    unit.sfi = job.folder.file(input.path + ".sfi.o");
    if (!write_file(unit.sfi, *sfi)) {
      error("cannot write '" + unit.sfi + "': is the disk full?");
      return 1;
    }
  } else if (missing) {
    unit.no_sfi = *missing;
  } else {
    unit.no_sfi = input.path + " was not made by vbpf-clang++: compile it with vbpf-clang++ -c";
  }
  if (sfi && object->only_carries_variants()) return 0;
  unit.user = job.folder.file(input.path);
  std::vector<std::string> command{job.toolchain.objcopy};
  for (const char* section : variant_sections) command.push_back(std::string("--remove-section=") + section);
  command.insert(command.end(), {input.path, unit.user});
  return job.run_tool(command);
}

}  // namespace

int Job::run_tool(const std::vector<std::string>& words, std::string* errors) const {
  if (arguments.verbose) print_command(words);
  return arguments.dry_run ? 0 : run(words, errors);
}

void error(const std::string& message) { std::fprintf(stderr, "vbpf-clang++: error: %s\n", message.c_str()); }
void warning(const std::string& message) { std::fprintf(stderr, "vbpf-clang++: warning: %s\n", message.c_str()); }

int compile(const Job& job, const Input& input, const std::string& output, Unit& unit) {
  unit.source = input.path;
  switch (input.kind) {
    case Kind::object:
      return open_object(job, input, unit);
    case Kind::assembly:
      return compile_assembly(job, input, output, unit);
    case Kind::c:
    case Kind::cxx:
      break;
  }
  return compile_source(job, input, output, unit);
}

int write_assembly(const Job& job, const Input& input, const std::string& output) {
  bool sfi = job.arguments.variants_named && job.arguments.want_sfi;
  if (!sfi) return clang_to_assembly(job, input, output, output);
  std::string assembly = job.folder.file(input.path + ".s");
  if (int code = clang_to_assembly(job, input, output, assembly)) return code;
  std::string why;
  if (rewrite(job, assembly, output, why)) return 0;
  error("variant 'sfi' cannot be built: " + input.path + ": " + why);
  return 1;
}

}  // namespace vbpf::driver
