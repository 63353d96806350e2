// SPDX-License-Identifier: Apache-2.0
// Attaches so many XDP programs, to devices of their own, that Linux patches the code of its dispatcher for no further
// one, says so, and keeps them until it is ended. Linux does patch for each of the first 48; an emulated CPU may
// execute what was there before while packets come, and that ends in a panic with plain eBPF programs as well.
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <vector>

#include "hook_program.h"

int main() try {
  constexpr int more_than_there_is_room_for = 64;
  std::vector<vbpf::test::HookProgram> programs;
  for (int i = 0; i < more_than_there_is_room_for; ++i) programs.emplace_back(0, 0);
  std::puts("full");
  std::fflush(stdout);
  for (;;) ::pause();
} catch (const std::exception& error) {
  std::fprintf(stderr, "fill_dispatcher: %s\n", error.what());
  return 1;
}
