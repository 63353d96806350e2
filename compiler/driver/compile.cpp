// SPDX-License-Identifier: Apache-2.0
// The compile step.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "build.h"
#include "kernel_variant.h"
#include "objects.h"
#include "sfi/rewriter.h"
#include "vbpf/abi.h"

namespace vbpf::driver {
namespace {

std::string dependency_file(const Arguments& arguments, const std::string& output) {
  if (!arguments.dependency_file.empty()) return arguments.dependency_file;
  return std::filesystem::path(output).replace_extension(".d").string();
}

// Adds the rules of one run of clang. When several sources are linked to one object, its dependency file gets the rules
// of all of them.
int add_dependencies(const Job& job, const std::string& object, const std::string& rules) {
  std::string whole = dependency_file(job.arguments, object);
  std::string before = job.dependency_files.contains(whole) ? read_file(whole).value_or("") : "";
  if (before.ends_with(rules)) return 0;  // the kernel variant's are most often those of the others
  job.dependency_files.insert(whole);
  if (write_file(whole, before + rules)) return 0;
  error("cannot write the dependency file '" + whole + "'");
  return 1;
}

// Runs clang. What -MD and its kin write names the object asked for, not the temporary file that clang is told to
// write.
int run_clang(const Job& job, std::vector<std::string> command, const std::string& object) {
  const Arguments& arguments = job.arguments;
  if (!arguments.dependencies) return job.run_tool(command);
  std::string part = job.folder.file("part.d");
  if (!arguments.dependency_target) command.insert(command.end(), {"-MQ", object});
  command.insert(command.end(), {"-MF", part});
  if (int code = job.run_tool(command)) return code;
  std::optional<std::string> text = arguments.dry_run ? std::nullopt : read_file(part);
  return text ? add_dependencies(job, object, *text) : 0;  // a .s file has no dependencies
}

int clang_to_assembly(const Job& job, const Input& input, const std::string& object, const std::string& assembly,
                      Variant variant) {
  std::vector<std::string> command = compile_command(job.toolchain, job.arguments, input, variant);
  command.insert(command.end(), {"-S", "-o", assembly, input.path});
  return run_clang(job, std::move(command), object);
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

// From one run of clang: the assembly, which is the user variant, and what the SFI rewriter makes of it.
int compile_user_and_sfi(const Job& job, const Input& input, const std::string& output, Unit& unit) {
  std::string assembly = job.folder.file(input.path + ".s");
  if (int code = clang_to_assembly(job, input, output, assembly, Variant::user)) return code;
  if (!close_returns(job, assembly)) return 1;
  if (job.arguments.wants[Variant::user]) {
    Part& user = unit.parts[Variant::user];
    user.object = job.folder.file(input.path + ".o");
    if (int code = assemble(job, assembly, user.object)) return code;
  }
  if (!job.arguments.wants[Variant::sfi]) return 0;
  Part& sfi = unit.parts[Variant::sfi];
  std::string rewritten = job.folder.file(input.path + ".sfi.s");
  if (!rewrite(job, assembly, rewritten, sfi.missing)) {
    sfi.missing = input.path + ": " + sfi.missing;
    return 0;
  }
  sfi.object = job.folder.file(input.path + ".sfi.o");
  return assemble(job, rewritten, sfi.object);
}

// The kernel variant and no other: clang's errors and warnings are shown.
int compile_kernel_alone(const Job& job, const Input& input, const std::string& output, Part& kernel) {
  std::string assembly = job.folder.file(input.path + ".s");
  if (int code = clang_to_assembly(job, input, output, assembly, Variant::kernel)) return code;
  return finish_kernel(job, input, assembly, kernel);
}

// Two compilers read it: each reads the copy.
bool keep_standard_input(const Job& job, std::string& copy) {
  copy = job.folder.file("standard-input");
  std::optional<std::string> text = read_file("/dev/stdin");
  return text && write_file(copy, *text) && read_from(copy);
}

bool is_preprocessed(const Input& input) {
  if (!input.language.empty()) return input.language.ends_with("cpp-output");
  return input.path.ends_with(".i") || input.path.ends_with(".ii");
}

int compile_source(const Job& job, const Input& input, const std::string& output, Unit& unit) {
  const PerVariant<bool>& wants = job.arguments.wants;
  Part& kernel = unit.parts[Variant::kernel];
  if (wants[Variant::kernel] && is_preprocessed(input)) {
    kernel.missing = input.path + " is preprocessed, for vector registers: give the source itself";
    return wants[Variant::user] || wants[Variant::sfi] ? compile_user_and_sfi(job, input, output, unit) : 0;
  }
  if (!wants[Variant::user] && !wants[Variant::sfi]) return compile_kernel_alone(job, input, output, kernel);
  if (!wants[Variant::kernel]) return compile_user_and_sfi(job, input, output, unit);
  std::string copy;
  if (input.path == "-" && !job.arguments.dry_run && !keep_standard_input(job, copy)) {
    error(std::string("cannot read standard input: ") + std::strerror(errno));
    return 1;
  }
  KernelCompilation compilation(job, input, output);
  if (!copy.empty() && !read_from(copy)) {
    error("cannot read '" + copy + "': " + std::strerror(errno));
    return 1;
  }
  if (int code = compile_user_and_sfi(job, input, output, unit)) return code;
  if (int code = compilation.finish(kernel)) return code;
  std::optional<std::string> rules = read_file(compilation.dependencies());
  return rules && !kernel.object.empty() ? add_dependencies(job, output, *rules) : 0;
}

int compile_assembly(const Job& job, const Input& input, const std::string& output, Unit& unit) {
  const PerVariant<bool>& wants = job.arguments.wants;
  if (wants[Variant::sfi]) {
    unit.parts[Variant::sfi].missing =
        input.path + " is assembly, which is taken as it is: write it in C++ or C to have it confined by SFI";
  }
  std::string& object = unit.parts[Variant::user].object;
  object = job.folder.file(input.path + ".o");
  std::vector<std::string> command = compile_command(job.toolchain, job.arguments, input, Variant::user);
  command.insert(command.end(), {"-c", "-o", object, input.path});
  if (int code = run_clang(job, std::move(command), output)) return code;
  return wants[Variant::kernel] ? assemble_for_kernel(job, input, unit.parts[Variant::kernel]) : 0;
}

// Takes a variant out of an object.
int open_variant(const Job& job, const Input& input, const ObjectFile& object, Variant variant, Part& part) {
  if (std::optional<std::string_view> bytes = object.section(names_of(variant).section)) {
    part.object = job.folder.file(input.path + "." + std::string(names_of(variant).name) + ".o");
    if (write_file(part.object, *bytes)) return 0;
    error("cannot write '" + part.object + "': is the disk full?");
    return 1;
  }
  std::optional<std::string_view> missing = object.section(names_of(variant).missing);
  part.missing =
      missing ? std::string(*missing) : input.path + " was not made by vbpf-clang++: compile it with vbpf-clang++ -c";
  return 0;
}

// Takes an object apart into its variants.
int open_object(const Job& job, const Input& input, Unit& unit) {
  std::string why, carried;
  std::optional<ObjectFile> object = ObjectFile::open(input.path, why);
  if (!object) {
    error("'" + input.path + "': " + why);
    return 1;
  }
  std::vector<std::string> command{job.toolchain.objcopy};
  for (Variant variant : nested_variants) {
    Part& part = unit.parts[variant];
    if (int code = open_variant(job, input, *object, variant, part)) return code;
    for (const char* section : {names_of(variant).section, names_of(variant).missing})
      command.push_back(std::string("--remove-section=") + section);
    if (!part.object.empty()) carried += (carried.empty() ? "" : ",") + std::string(names_of(variant).name);
  }
  Part& user = unit.parts[Variant::user];
  if (!carried.empty() && object->only_carries_variants()) {
    user.missing = input.path + " was compiled with --variant=" + carried;
    return 0;
  }
  user.object = job.folder.file(input.path);
  command.insert(command.end(), {input.path, user.object});
  return job.run_tool(command);
}

}  // namespace

int assemble(const Job& job, const std::string& assembly, const std::string& object) {
  std::vector<std::string> command = assemble_command(job.toolchain);
  command.insert(command.end(), {"-o", object, assembly});
  return job.run_tool(command);
}

bool close_returns(const Job& job, const std::string& assembly) {
  if (job.arguments.dry_run) return true;
  std::optional<std::string> text = read_file(assembly);
  if (text && write_file(assembly, sfi::use_return_thunk(*text))) return true;
  error("cannot rewrite '" + assembly + "': is the disk full?");
  return false;
}

int Job::run_tool(const std::vector<std::string>& words, std::string* errors) const {
  if (arguments.verbose) print_command(words);
  return arguments.dry_run ? 0 : run(words, errors);
}

Process Job::start_tool(const std::vector<std::string>& words) const {
  if (arguments.verbose) print_command(words);
  return arguments.dry_run ? Process() : Process(words, true);
}

void error(const std::string& message) { std::fprintf(stderr, "vbpf-clang++: error: %s\n", message.c_str()); }
void warning(const std::string& message) { std::fprintf(stderr, "vbpf-clang++: warning: %s\n", message.c_str()); }

int compile(const Job& job, const Input& input, const std::string& output, Unit& unit) {
  unit.source = input.path;
  for (Variant variant : variants) {
    if (!job.arguments.wants[variant])
      unit.parts[variant].missing = "it was compiled with --variant=" + wanted_names(job.arguments);
  }
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
  const Arguments& arguments = job.arguments;
  Variant variant = Variant::user;
  for (Variant named : nested_variants) {
    if (arguments.variants_named && arguments.wants[named]) variant = named;
  }
  if (variant != Variant::sfi) return clang_to_assembly(job, input, output, output, variant);
  std::string assembly = job.folder.file(input.path + ".s");
  if (int code = clang_to_assembly(job, input, output, assembly, Variant::user)) return code;
  std::string why;
  if (rewrite(job, assembly, output, why)) return 0;
  error("variant 'sfi' cannot be built: " + input.path + ": " + why);
  return 1;
}

}  // namespace vbpf::driver
