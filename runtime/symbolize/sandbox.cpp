// SPDX-License-Identifier: Apache-2.0
#include "sandbox.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <vector>

namespace vbpf::symbolize {
namespace {

constexpr uint64_t memory = uint64_t{512} << 20;
constexpr uint64_t cpu_seconds = 1;

// What libelf, libdw and malloc need when their files are open.
constexpr uint32_t allowed[] = {SYS_read,   SYS_pread64, SYS_write,   SYS_lseek, SYS_fstat, SYS_munmap,
                                SYS_mremap, SYS_brk,     SYS_madvise, SYS_futex, SYS_exit,  SYS_exit_group};
// Asked for by libraries that take "no" for an answer: other files that an object names, and so on.
constexpr uint32_t refused[] = {SYS_open,  SYS_openat,   SYS_stat,   SYS_lstat, SYS_newfstatat, SYS_access, SYS_fcntl,
                                SYS_close, SYS_readlink, SYS_getcwd, SYS_ioctl, SYS_getrandom,  SYS_sysinfo};

sock_filter load(size_t offset) { return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset)); }
sock_filter answer(uint32_t action) { return BPF_STMT(BPF_RET | BPF_K, action); }
// Goes on with the next instruction if equal, else skips it.
sock_filter unless_equal_skip(uint32_t value) { return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1); }

bool limit(__rlimit_resource_t what, uint64_t value) {
  const rlimit both{value, value};
  return setrlimit(what, &both) == 0;
}

}  // namespace

bool enter_sandbox(uint64_t largest_file) {
  if (!limit(RLIMIT_CPU, cpu_seconds) || !limit(RLIMIT_AS, memory) || !limit(RLIMIT_CORE, 0) ||
      !limit(RLIMIT_FSIZE, largest_file) || !limit(RLIMIT_NOFILE, 0)) {
    return false;
  }
  if (prctl(PR_SET_DUMPABLE, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;

  const uint32_t refuse = SECCOMP_RET_ERRNO | EPERM;
  std::vector<sock_filter> filter = {
      load(offsetof(seccomp_data, arch)), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
      answer(SECCOMP_RET_KILL_PROCESS),
      load(offsetof(seccomp_data, nr)),  // x32's numbers have bit 30 set: not among those below
  };
  for (const uint32_t number : allowed) {
    filter.push_back(unless_equal_skip(number));
    filter.push_back(answer(SECCOMP_RET_ALLOW));
  }
  for (const uint32_t number : refused) {
    filter.push_back(unless_equal_skip(number));
    filter.push_back(answer(refuse));
  }
  // mmap and mprotect without PROT_EXEC, which is in the lower half of the argument.
  const sock_filter without_execution[] = {
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 1, 0),
      answer(SECCOMP_RET_KILL_PROCESS),
      load(offsetof(seccomp_data, args[2])),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
      answer(SECCOMP_RET_KILL_PROCESS),
      answer(SECCOMP_RET_ALLOW),
  };
  filter.insert(filter.end(), std::begin(without_execution), std::end(without_execution));
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

}  // namespace vbpf::symbolize
