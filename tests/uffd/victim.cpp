// SPDX-License-Identifier: Apache-2.0
// A program whose memory is paged: prints "PID FD", then does what the lines it reads say: "read PAGE" prints the first
// byte of a page, "write PAGE" writes it, "scan" prints the sum of the first bytes of all pages. Without a handler.
//
//   uffd_victim PAGES
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

int main(int argc, char** argv) {
  const size_t pages = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 64, size = pages * 4096;
  const int descriptor = static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));
  uffdio_api api{UFFD_API, UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_THREAD_ID, 0};
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
    size_t page = 0;
    std::sscanf(line, "%15s %zu", verb, &page);
    if (std::strcmp(verb, "read") == 0) std::printf("%u\n", memory[page * 4096]);
    if (std::strcmp(verb, "write") == 0) std::printf("%u\n", memory[page * 4096] = 7);
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
