// SPDX-License-Identifier: Apache-2.0
// Runs a program that knows nothing of extensions, with one attached to every userfaultfd that it makes: "entry: faults
// passed, faults answered" comes last, on standard error. Exit status: the program's, or 1 when the extension was never
// asked.
//
//   attach_to_all OBJECT PRELOAD COMMAND [ARGUMENT]...
#include <fcntl.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <numeric>

#include "resident.h"

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  vbpf::kernel::ResidentOptions options;
  options.name = "attached";
  options.budget = std::chrono::milliseconds(100);
  options.fill_size = VBPF_USERFAULT_PAGE_MAX;
  const auto resident = vbpf::kernel::Resident::load(argv[1], options);
  if (!resident) {
    std::fprintf(stderr, "attach_to_all: %s\n", resident.error().message.c_str());
    return 1;
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("LD_PRELOAD", argv[2], 1);
    ::setenv("ATTACH_EXTENSION", std::to_string(resident->id()).c_str(), 1);
    ::execvp(argv[3], argv + 3);
    std::perror(argv[3]);
    ::_exit(127);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  const auto info = resident->info();
  if (!info) return 1;
  const uint64_t passed = info->userfault_verdicts[0];
  const uint64_t all = std::accumulate(std::begin(info->userfault_verdicts), std::end(info->userfault_verdicts), 0ULL);
  std::fprintf(stderr, "%s: %lu passed, %lu answered\n", resident->entries()[0].name.c_str(), passed, all - passed);
  if (all == 0) return 1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
