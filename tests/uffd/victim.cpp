// SPDX-License-Identifier: Apache-2.0
// A program whose memory is paged: prints "PID FD", then does what the lines it reads say: "read PAGE" prints the first
// byte of a page, "write PAGE" writes it, "scan" prints the sum of the first bytes of all pages, "verify" how many
// bytes are not their page's number modulo 100. Without a handler.
//
// "forks COUNT DEPTH" forks as many children, one after the other, each of which forks one, and so on; all verify, and
// it prints how many bytes were wrong. From "enter" on a child does what the lines say, until "leave": then its parent
// prints the signal that ended it, or 0. From "orphan" on a child does, and its parent ends.
//
//   uffd_victim PAGES [events]
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

unsigned wrong_bytes(const volatile uint8_t* memory, size_t pages) {
  unsigned wrong = 0;
  for (size_t i = 0; i < pages * 4096; ++i) wrong += memory[i] != i / 4096 % 100 ? 1 : 0;
  return wrong;
}

// Of a child and those that it forks. What cannot be waited for is wrong too.
unsigned wrong_in_child(const volatile uint8_t* memory, size_t pages, size_t depth) {
  int ends[2];
  unsigned wrong = 1;
  if (::pipe(ends) != 0) return wrong;
  const pid_t child = ::fork();
  if (child == 0) {
    wrong = (depth == 0 ? 0 : wrong_in_child(memory, pages, depth - 1)) + wrong_bytes(memory, pages);
    ::_exit(::write(ends[1], &wrong, sizeof(wrong)) == sizeof(wrong) ? 0 : 1);
  }
  ::close(ends[1]);
  if (::read(ends[0], &wrong, sizeof(wrong)) != sizeof(wrong)) wrong = 1;
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return wrong + (status != 0 ? 1 : 0);
}

// Returns in the child first.
void enter() {
  const pid_t child = ::fork();
  if (child == 0) {
    std::printf("%d\n", ::getpid());
    return;
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  std::printf("%d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

}  // namespace

int main(int argc, char** argv) {
  const size_t pages = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 64, size = pages * 4096;
  const int descriptor = static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));
  const uint64_t events =
      UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP | UFFD_FEATURE_EVENT_REMOVE | UFFD_FEATURE_EVENT_UNMAP;
  uffdio_api api{UFFD_API, UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_THREAD_ID | (argc > 2 ? events : 0), 0};
  auto* memory =
      static_cast<volatile uint8_t*>(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  uffdio_register range{
      {reinterpret_cast<uint64_t>(memory), size}, UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP, 0};
  if (::ioctl(descriptor, UFFDIO_API, &api) != 0 || ::ioctl(descriptor, UFFDIO_REGISTER, &range) != 0) {
    std::perror("uffd_victim");
    return 1;
  }
  std::printf("%d %d\n", ::getpid(), descriptor);
  std::fflush(stdout);
  char line[64];
  while (std::fgets(line, sizeof(line), stdin) != nullptr) {
    char verb[16];
    size_t page = 0, depth = 0;
    std::sscanf(line, "%15s %zu %zu", verb, &page, &depth);
    if (std::strcmp(verb, "verify") == 0) std::printf("%u\n", wrong_bytes(memory, pages));
    if (std::strcmp(verb, "forks") == 0) {
      unsigned wrong = 0;
      for (size_t i = 0; i < page; ++i) wrong += wrong_in_child(memory, pages, depth);
      std::printf("%u\n", wrong);
    }
    if (std::strcmp(verb, "enter") == 0) enter();
    if (std::strcmp(verb, "leave") == 0) ::_exit(0);
    if (std::strcmp(verb, "orphan") == 0) {
      if (::fork() != 0) ::_exit(0);
      std::printf("%d\n", ::getpid());
    }
    if (std::strcmp(verb, "read") == 0) std::printf("%u\n", memory[page * 4096]);
    if (std::strcmp(verb, "write") == 0) {
      memory[page * 4096] = 7;
      std::puts("7");
    }
    if (std::strcmp(verb, "protect") == 0) {
      uffdio_writeprotect protect{range.range, UFFDIO_WRITEPROTECT_MODE_WP};
      std::printf("%d\n", ::ioctl(descriptor, UFFDIO_WRITEPROTECT, &protect));
    }
    if (std::strcmp(verb, "scan") == 0) {
      unsigned sum = 0;
      for (page = 0; page < pages; ++page) sum += memory[page * 4096];
      std::printf("%u\n", sum);
    }
    std::fflush(stdout);
  }
  return 0;
}
