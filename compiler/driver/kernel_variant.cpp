// SPDX-License-Identifier: Apache-2.0
#include "kernel_variant.h"

#include <algorithm>
#include <array>

#include "objects.h"

namespace vbpf::driver {
namespace {

constexpr std::string_view spaces = " \t";

std::string_view trimmed(std::string_view line) {
  line.remove_prefix(std::min(line.size(), line.find_first_not_of(spaces)));
  return line.substr(0, line.find_last_not_of(spaces) + 1);
}

bool names_vector_register(std::string_view instruction) {
  constexpr std::array<std::string_view, 5> registers{"%xmm", "%ymm", "%zmm", "%mm", "%st"};
  for (std::string_view name : registers) {
    if (instruction.find(name) != std::string_view::npos) return true;
  }
  return false;
}

// The instruction that uses a vector or x87 register, if there is one: code that asks for them by name, in asm
// statements or target attributes, gets them in any variant.
std::string first_vector_instruction(std::string_view assembly) {
  while (!assembly.empty()) {
    std::string_view line = assembly.substr(0, assembly.find('\n'));
    assembly.remove_prefix(std::min(assembly.size(), line.size() + 1));
    line = trimmed(line.substr(0, line.find('#')));
    if (line.empty() || line.front() == '.') continue;  // a directive: its strings may hold anything
    if (!names_vector_register(line)) continue;
    std::string instruction(line);
    std::replace(instruction.begin(), instruction.end(), '\t', ' ');
    return instruction;
  }
  return {};
}

std::string no_vector_registers(const std::string& source, const std::string& instruction) {
  return source + ": `" + instruction +
         "` uses a register that the kernel variant has not: give it another form where " + "__SSE2__ is not defined";
}

}  // namespace

std::string first_error(std::string_view output) {
  constexpr std::string_view mark = "error: ";
  std::string_view whole = output.substr(0, output.find('\n'));
  while (!output.empty()) {
    std::string_view line = output.substr(0, output.find('\n'));
    if (size_t at = line.find(mark); at != std::string_view::npos)
      return std::string(line.substr(0, at)) + std::string(line.substr(at + mark.size()));
    output.remove_prefix(std::min(output.size(), line.size() + 1));
  }
  return whole.empty() ? "the tool ended without saying why" : std::string(whole);
}

KernelCompilation::KernelCompilation(const Job& job, const Input& input, const std::string& object)
    : job_(job),
      input_(input),
      assembly_(job.folder.file(input.path + ".kernel.s")),
      dependencies_(job.folder.file(input.path + ".kernel.d")) {
  std::vector<std::string> command = compile_command(job.toolchain, job.arguments, input, Variant::kernel);
  command.insert(command.end(), {"-w", "-S", "-o", assembly_, input.path});
  if (job.arguments.dependencies) command.insert(command.end(), {"-MF", dependencies_});
  if (job.arguments.dependencies && !job.arguments.dependency_target) command.insert(command.end(), {"-MQ", object});
  clang_ = job.start_tool(command);
}

int KernelCompilation::finish(Part& part) {
  std::string errors;
  if (clang_.wait(&errors) != 0) {
    part.missing = first_error(errors);
    return 0;
  }
  return finish_kernel(job_, input_, assembly_, part);
}

int finish_kernel(const Job& job, const Input& input, const std::string& assembly, Part& part) {
  if (!close_returns(job, assembly)) return 1;
  std::string bad = first_vector_instruction(read_file(assembly).value_or(""));
  if (!bad.empty()) {
    part.missing = no_vector_registers(input.path, bad);
    return 0;
  }
  part.object = job.folder.file(input.path + ".kernel.o");
  return assemble(job, assembly, part.object);
}

int assemble_for_kernel(const Job& job, const Input& input, Part& part) {
  std::vector<std::string> command = compile_command(job.toolchain, job.arguments, input, Variant::kernel);
  std::string text = job.folder.file(input.path + ".kernel.s"), object = job.folder.file(input.path + ".kernel.o");
  std::vector<std::string> preprocess = command;
  preprocess.insert(preprocess.end(), {"-w", "-x", "assembler-with-cpp", "-E", "-o", text, input.path});
  std::string errors;
  if (job.run_tool(preprocess, &errors) != 0) {
    part.missing = first_error(errors);
    return 0;
  }
  std::string bad = first_vector_instruction(read_file(text).value_or(""));
  if (!bad.empty()) {
    part.missing = no_vector_registers(input.path, bad);
    return 0;
  }
  command.insert(command.end(), {"-w", "-c", "-o", object, input.path});
  if (job.run_tool(command, &errors) != 0) {
    part.missing = first_error(errors);
    return 0;
  }
  part.object = object;
  return 0;
}

}  // namespace vbpf::driver
