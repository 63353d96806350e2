// SPDX-License-Identifier: Apache-2.0
#include "toolchain.h"

#include <unistd.h>

#include <filesystem>

namespace vbpf::driver {
namespace {

// No return and no indirect branch but through the loader's thunks; no access through segments; nothing that needs a
// runtime outside the extension. Part of the ABI: not for the user to change, so they follow the user's options.
constexpr const char* fixed_options[] = {
    "--target=x86_64-pc-linux-gnu",
    "-fpie",
    "-fvisibility=hidden",
    "-fdirect-access-external-data",
    "-mno-red-zone",
    "-mretpoline-external-thunk",
    "-mfunction-return=thunk-extern",
    "-fcf-protection=none",
    "-fno-exceptions",
    "-fno-threadsafe-statics",
    "-fno-use-cxa-atexit",
    "-fno-stack-protector",
    "-fno-stack-clash-protection",
    "-fno-asynchronous-unwind-tables",
    "-fno-unwind-tables",
    "-fno-split-stack",
    "-fno-common",
    "-fno-autolink",   // libc++'s headers ask for libraries
    "-femulated-tls",  // thread_local becomes a call, which the link step refuses by name
    "-fno-math-errno",
    "-mlong-double-64",  // x87 state is not the extension's
    "-mno-mmx",
    "-mno-avx512f",
    "-mno-gather",
    "-gz=none",
    // The system's headers: plain functions, without checking wrappers and tables of the C library.
    "-U_FORTIFY_SOURCE",
    "-D__NO_CTYPE",
    "-D__vbpf__=1",
};

// General registers only: floating-point values are passed in them, and arithmetic is a call. They come last, so that
// they take back what -march gave.
constexpr const char* kernel_options[] = {"-Xclang", "-target-feature", "-Xclang", "+soft-float", "-mno-sse"};

}  // namespace

Toolchain find_toolchain() {
  Toolchain toolchain;
  std::error_code error;
  std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  std::filesystem::path prefix = self.parent_path().parent_path();
  toolchain.sdk = (prefix / "share/vbpf/sdk").string();
  toolchain.runtime = (prefix / "lib/vbpf").string();
  return toolchain;
}

std::vector<std::string> compile_command(const Toolchain& toolchain, const Arguments& arguments, const Input& input,
                                         Variant variant) {
  // A product and a sum are rounded each, also where the CPU could do both at once: the same results in all variants.
  std::vector<std::string> command{toolchain.clang, "-ffp-contract=off"};
  command.insert(command.end(), arguments.clang.begin(), arguments.clang.end());
  if (arguments.verbose && !arguments.dry_run) command.emplace_back("-v");
  if (input.kind == Kind::assembly) command.emplace_back("-Wno-unused-command-line-argument");
  command.insert(command.end(), std::begin(fixed_options), std::end(fixed_options));
  if (variant == Variant::kernel) {
    command.insert(command.end(), std::begin(kernel_options), std::end(kernel_options));
    command.insert(command.end(), {"-isystem", toolchain.sdk + "/kernel"});
    if (input.kind != Kind::assembly) command.insert(command.end(), {"-include", "vbpf_va_arg.h"});
  }
  if (input.kind == Kind::cxx) {
    if (!arguments.has_standard) command.emplace_back("-std=c++20");
    command.insert(command.end(), {"-fno-rtti", "-stdlib=libc++", "-isystem", toolchain.sdk + "/libcxx"});
  }
  command.insert(command.end(), {"-isystem", toolchain.sdk + "/include"});
  if (!input.language.empty()) command.insert(command.end(), {"-x", input.language});
  return command;
}

std::vector<std::string> assemble_command(const Toolchain& toolchain) {
  return {toolchain.clang, "--target=x86_64-pc-linux-gnu", "-c", "-Wa,--no-warn", "-x", "assembler"};
}

}  // namespace vbpf::driver
