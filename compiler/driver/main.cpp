// SPDX-License-Identifier: Apache-2.0
// vbpf-clang++: the compiler of extensions.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "build.h"
#include "vbpf/abi.h"

namespace vbpf::driver {
namespace {

constexpr const char* usage =
    "usage: vbpf-clang++ [options] file...\n"
    "Compiles C++20, C and assembly to a vBPF extension object.\n"
    "\n"
    "  -o FILE             where to write (default: the first input's name with .o)\n"
    "  -c                  compile each input to an object of its own, to be linked later by vbpf-clang++\n"
    "  -S, -E, -M...       as clang; -S writes the user variant, or the one named by --variant=\n"
    "  --variant=V[,V]     variants to make: user, sfi, kernel (default: all; one that cannot be made is left out with "
    "a "
    "warning)\n"
    "  --emit-variant=V    write that variant alone, as a plain ELF object\n"
    "  -nostdlib           do not link the extension runtime (memory functions, heap, C++ library)\n"
    "  -v, -###            show the commands; -### does not run them\n"
    "  --version, --help\n"
    "Other options (-I -D -O -g -std -W... -f... -m...) go to clang.\n";

int print_version(const Toolchain& toolchain) {
  std::printf("vbpf-clang++ %s (extension ABI %d)\n", VBPF_VERSION, VBPF_ABI_VERSION);
  std::fflush(stdout);
  return run({toolchain.clang, "--version"});
}

std::string default_output(const Input& input, const char* extension) {
  if (input.path == "-") return std::string("-") + extension;
  return std::filesystem::path(input.path).filename().replace_extension(extension).string();
}

// What -E and its kin look at: the kernel variant if it alone is named.
Variant variant_to_show(const Arguments& arguments) {
  bool kernel = arguments.wants[Variant::kernel];
  return kernel && !arguments.wants[Variant::user] && !arguments.wants[Variant::sfi] ? Variant::kernel : Variant::user;
}

// -E, -M, -fsyntax-only, -print-...: clang answers.
int ask_clang(const Job& job) {
  const Arguments& arguments = job.arguments;
  if (arguments.inputs.empty()) {
    std::vector<std::string> command{job.toolchain.clang};
    command.insert(command.end(), arguments.clang.begin(), arguments.clang.end());
    return job.run_tool(command);
  }
  int code = 0;
  for (const Input& input : arguments.inputs) {
    if (input.kind == Kind::object) continue;
    std::vector<std::string> command = compile_command(job.toolchain, arguments, input, variant_to_show(arguments));
    if (!arguments.output.empty()) command.insert(command.end(), {"-o", arguments.output});
    if (!arguments.dependency_file.empty()) command.insert(command.end(), {"-MF", arguments.dependency_file});
    command.push_back(input.path);
    if (int failed = job.run_tool(command)) code = failed;
  }
  return code;
}

int write_assemblies(const Job& job) {
  int code = 0;
  for (const Input& input : job.arguments.inputs) {
    if (input.kind != Kind::c && input.kind != Kind::cxx) continue;
    std::string output = job.arguments.output.empty() ? default_output(input, ".s") : job.arguments.output;
    if (int failed = write_assembly(job, input, output)) code = failed;
  }
  return code;
}

int compile_objects(const Job& job) {
  int code = 0;
  for (const Input& input : job.arguments.inputs) {
    if (input.kind == Kind::object) {
      warning("'" + input.path + "' is an object: there is nothing to compile");
      continue;
    }
    std::string output = job.arguments.output.empty() ? default_output(input, ".o") : job.arguments.output;
    Unit unit;
    int failed = compile(job, input, output, unit);
    if (failed == 0) failed = write_object(job, unit, output);
    if (failed != 0) code = failed;
  }
  return code;
}

int link_extension(const Job& job) {
  const Arguments& arguments = job.arguments;
  std::string output = arguments.output.empty() ? default_output(arguments.inputs[0], ".o") : arguments.output;
  int code = 0;
  std::vector<Unit> units;
  for (const Input& input : arguments.inputs) {
    if (arguments.output.empty() && input.kind == Kind::object) {
      error("name the output with -o: the default would overwrite an input");
      return 1;
    }
    Unit unit;
    if (int failed = compile(job, input, output, unit)) code = failed;
    units.push_back(unit);
  }
  if (code != 0) return code;
  Unit linked;
  code = link(job, units, linked);
  return code != 0 ? code : write_object(job, linked, output);
}

int run_driver(const Arguments& arguments) {
  Toolchain toolchain = find_toolchain();
  if (arguments.help) return std::fputs(usage, stdout) < 0;
  if (arguments.version) return print_version(toolchain);
  TemporaryFolder folder;
  if (folder.path().empty()) {
    error(std::string("cannot make a temporary folder: ") + std::strerror(errno) +
          "; set TMPDIR to a folder that can be written");
    return 1;
  }
  Job job{arguments, toolchain, folder};
  if (arguments.query || arguments.stage == Stage::clang_only) return ask_clang(job);
  if (arguments.stage == Stage::assembly) return write_assemblies(job);
  if (arguments.stage == Stage::object) return compile_objects(job);
  return link_extension(job);
}

}  // namespace
}  // namespace vbpf::driver

int main(int argc, char** argv) {
  using namespace vbpf::driver;
  Arguments arguments;
  if (auto wrong = parse({argv + 1, argv + argc}, arguments)) {
    error(wrong->message);
    return 1;
  }
  install_signal_handlers();
  int code = run_driver(arguments);
  if (interrupted()) die_of_signal();
  return code;
}
