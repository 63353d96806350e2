// SPDX-License-Identifier: Apache-2.0
#include "probes.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cpuid.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>

#include "file.h"
#include "machine.h"
#include "private_device.h"
#include "vbpf/extension.h"

namespace vbpf::cli {
namespace {

std::string reason(int error) { return std::strerror(error); }

Probe confinement(const char* name, Confinement which, const char* good, const char* advice) {
  const Result<std::string> have = check_confinement(which);
  if (have) return {name, true, good, ""};
  return {name, false, have.error().message, advice};
}

Probe pks() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  constexpr unsigned bit_pks = 1u << 31;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_pks) != 0)
    return {"pks", true, "the CPU has protection keys for supervisor pages", ""};
  return {"pks", false, "this CPU has no protection keys for supervisor pages (PKS)",
          "extensions run in a process instead of in the kernel"};
}

Probe patched_kernel() {
  const auto machine = kernel::Machine::open();
  if (machine) return {"kernel", true, "the running kernel has the vBPF engine", ""};
  return {"kernel", false, machine.error().message, "extensions run in a process instead of in the kernel"};
}

std::optional<std::string> first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  return line;
}

// A program that passes everything; -1 with errno.
int load_pass_program() {
  const bpf_insn instructions[] = {{BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, XDP_PASS},
                                   {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
  const int program = ::bpf_prog_load(BPF_PROG_TYPE_XDP, "vbpf_probe", "GPL", instructions, 2, nullptr);
  if (program < 0) errno = -program;
  return program;
}

Probe bpf() {
  const File program(load_pass_program());
  if (program) {
    const auto lockdown = first_line("/sys/kernel/security/lockdown");
    return {"bpf", true, "eBPF programs for XDP can be loaded" + (lockdown ? "; lockdown: " + *lockdown : ""), ""};
  }
  const int error = errno;
  return {"bpf", false, "an eBPF program for XDP cannot be loaded: " + reason(error),
          error == EPERM ? "run as root, or with CAP_BPF and CAP_NET_ADMIN" : "use a kernel with CONFIG_BPF_SYSCALL"};
}

// Runs in a child with a network namespace of its own; 0 or an errno.
int in_own_namespace(int (*attempt)()) {
  const pid_t child = ::fork();
  if (child < 0) return errno;
  if (child == 0) ::_exit(::unshare(CLONE_NEWNET) != 0 ? errno : attempt());
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}

int attach_generic() {
  const File program(load_pass_program());
  if (!program) return errno;
  constexpr int loopback = 1;
  return -::bpf_xdp_attach(loopback, program.get(), XDP_FLAGS_SKB_MODE, nullptr);
}

int attach_native() {
  const File program(load_pass_program());
  if (!program) return errno;
  return xdp::PrivateDevice::attach(program.get()) ? 0 : EOPNOTSUPP;
}

Probe xdp_mode(const char* name, int (*attempt)(), const char* good, const char* advice) {
  const int error = in_own_namespace(attempt);
  if (error == 0) return {name, true, good, ""};
  return {name, false, "an XDP program cannot be attached: " + reason(error),
          error == EPERM ? "run as root, or with CAP_NET_ADMIN and CAP_BPF" : advice};
}

// As large as one queue's packet buffers are by default.
constexpr size_t umem_size = size_t{2048} * 2048;

// Gives the socket buffers, which the kernel locks in memory; 0 or an errno.
int register_umem(int socket) {
  void* memory = ::mmap(nullptr, umem_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return errno;
  xdp_umem_reg umem{};
  umem.addr = reinterpret_cast<uint64_t>(memory);
  umem.len = umem_size;
  umem.chunk_size = 2048;
  const int error = ::setsockopt(socket, SOL_XDP, XDP_UMEM_REG, &umem, sizeof umem) == 0 ? 0 : errno;
  ::munmap(memory, umem_size);
  return error;
}

Probe memlock(int socket) {
  const int error = socket < 0 ? EBADF : register_umem(socket);
  if (error == 0) return {"memlock", true, "packet buffers can be locked in memory (tried with 4 MiB)", ""};
  if (error == EBADF)
    return {"memlock", false, "not tried: packet buffers need an AF_XDP socket", "see what af_xdp says"};
  return {"memlock", false, "packet buffers cannot be locked in memory: " + reason(error),
          "raise RLIMIT_MEMLOCK (ulimit -l), or run as root"};
}

void add_af_xdp(std::vector<Probe>& probes) {
  const File socket(::socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0));
  const int error = socket ? 0 : errno;
  if (socket) {
    probes.push_back({"af_xdp", true, "AF_XDP sockets can be made", ""});
  } else {
    probes.push_back({"af_xdp", false, "AF_XDP sockets cannot be made: " + reason(error),
                      error == EPERM ? "run as root, or with CAP_NET_RAW" : "use a kernel with CONFIG_XDP_SOCKETS"});
  }
  probes.push_back(memlock(socket ? socket.get() : -1));
}

Probe user_fault() {
  const File file(static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY)));
  if (file) return {"userfaultfd", true, "userfaultfd can be used", ""};
  const int error = errno;
  return {
      "userfaultfd", false, "userfaultfd cannot be used: " + reason(error),
      error == EPERM ? "set vm.unprivileged_userfaultfd=1, or run as root" : "use a kernel with CONFIG_USERFAULTFD"};
}

}  // namespace

std::vector<Probe> probe_machine() {
  ::libbpf_set_print(nullptr);
  std::vector<Probe> probes{
      confinement("pku", Confinement::pku, "the CPU's protection keys can confine extensions",
                  "SFI confines instead, at some cost in speed"),
      confinement("sfi", Confinement::sfi, "software fault isolation can confine extensions",
                  "use a CPU with FSGSBASE and Linux 5.9 or newer"),
      pks(),
      patched_kernel(),
      bpf(),
      xdp_mode("xdp_native", attach_native, "XDP programs run in drivers (tried on a veth)",
               "use a kernel with XDP in its drivers, or --mode generic"),
      xdp_mode("xdp_generic", attach_generic, "XDP programs run on any device", "use a kernel with CONFIG_NET")};
  add_af_xdp(probes);
  probes.push_back(user_fault());
  return probes;
}

}  // namespace vbpf::cli
