// SPDX-License-Identifier: Apache-2.0
// Attaches the eBPF program, runs a command, and prints what was executed meanwhile, by class.
//
// Usage: exec_classes ID COMMAND [ARGUMENT]...     ID: of the extension, as `vbpf show glob` has it
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>

#include "exec.skel.h"

namespace {

// The shell's words for how it ended.
int run(char** command) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::execvp(command[0], command);
    std::fprintf(stderr, "exec_classes: %s cannot be run: %s\n", command[0], std::strerror(errno));
    ::_exit(127);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child) return 1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

int main(int count, char** arguments) {
  const std::string_view number = count > 2 ? arguments[1] : "";
  uint32_t id = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), id);
  if (count < 3 || error != std::errc() || end != number.data() + number.size()) {
    std::fprintf(stderr, "usage: exec_classes ID COMMAND [ARGUMENT]...\n");
    return 2;
  }
  const std::unique_ptr<struct exec, decltype(&exec__destroy)> program(exec__open(), exec__destroy);
  if (program == nullptr) return 1;
  program->rodata->extension = id;
  if (exec__load(program.get()) != 0 || exec__attach(program.get()) != 0) {
    std::fprintf(stderr, "exec_classes: the eBPF program could not be loaded: is this a kernel with vBPF?\n");
    return 1;
  }
  const int status = run(arguments + 2);
  exec__detach(program.get());
  for (uint32_t i = 0; i < 8; ++i) {
    uint64_t executed = 0;
    bpf_map_lookup_elem(bpf_map__fd(program->maps.classes), &i, &executed);
    if (executed != 0) std::printf("class %u: %lu\n", i, static_cast<unsigned long>(executed));
  }
  if (program->bss->failed != 0) std::printf("not answered: %lu\n", static_cast<unsigned long>(program->bss->failed));
  return status;
}
