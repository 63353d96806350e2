// SPDX-License-Identifier: Apache-2.0
#include "hook_program.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include <cerrno>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace vbpf::test {
namespace {

constexpr const char* tracefs = "/sys/kernel/tracing";

[[noreturn]] void fail(const std::string& what) { throw std::system_error(errno, std::generic_category(), what); }

int function_of_kernel(const char* name) {
  const std::unique_ptr<btf, decltype(&btf__free)> types(btf__load_vmlinux_btf(), btf__free);
  const int id = types == nullptr ? -1 : btf__find_by_name_kind(types.get(), name, BTF_KIND_FUNC);
  if (id < 0) throw std::runtime_error(std::string("the kernel's BTF has no ") + name);
  return id;
}

bpf_insn instruction(uint8_t code, uint8_t destination, uint8_t source, int32_t immediate) {
  bpf_insn made{};
  made.code = code;
  made.dst_reg = destination & 15;
  made.src_reg = source & 15;
  made.imm = immediate;
  return made;
}

// A device that is gone when the descriptor is closed.
Descriptor make_device(unsigned& index) {
  Descriptor tap(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  if (tap.get() < 0) fail("/dev/net/tun");
  ifreq request{};
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (::ioctl(tap.get(), TUNSETIFF, &request) != 0) fail("TUNSETIFF");
  index = ::if_nametoindex(request.ifr_name);
  return tap;
}

void write_line(const std::string& file, const std::string& line) {
  std::fstream stream(file, std::ios::in | std::ios::out);  // neither truncates nor seeks
  stream << line + "\n" << std::flush;
  if (!stream) fail(file);
}

}  // namespace

HookProgram::HookProgram(uint32_t extension, uint32_t entry) {
  const bpf_insn code[] = {
      instruction(BPF_ALU | BPF_MOV | BPF_K, BPF_REG_2, 0, static_cast<int32_t>(extension)),
      instruction(BPF_ALU | BPF_MOV | BPF_K, BPF_REG_3, 0, static_cast<int32_t>(entry)),
      instruction(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, function_of_kernel("vbpf_xdp")),
      instruction(BPF_JMP | BPF_EXIT, 0, 0, 0),
  };
  const int descriptor = bpf_prog_load(BPF_PROG_TYPE_XDP, "hook", "GPL", code, std::size(code), nullptr);
  if (descriptor < 0) fail("BPF_PROG_LOAD");
  program_ = Descriptor(descriptor);
  unsigned index = 0;
  device_ = make_device(index);
  const int link = bpf_link_create(descriptor, static_cast<int>(index), BPF_XDP, nullptr);
  if (link < 0) fail("BPF_LINK_CREATE");
  link_ = Descriptor(link);
}

uint32_t HookProgram::run(const std::vector<uint64_t>& words, uint32_t repeat, std::vector<uint8_t>* out) const {
  std::vector<uint8_t> packet(words.size() * sizeof(uint64_t) + 512);
  bpf_test_run_opts options{};
  options.sz = sizeof(options);
  options.data_in = words.data();
  options.data_size_in = static_cast<uint32_t>(words.size() * sizeof(uint64_t));
  options.data_out = packet.data();
  options.data_size_out = static_cast<uint32_t>(packet.size());
  options.repeat = static_cast<int>(repeat);
  if (bpf_prog_test_run_opts(program_.get(), &options) != 0) fail("BPF_PROG_TEST_RUN");
  packet.resize(options.data_size_out);
  if (out != nullptr) *out = packet;
  return options.retval;
}

CallCount::CallCount(const std::string& function) : event_("vbpf_" + function) {
  if (!std::ifstream(std::string(tracefs) + "/kprobe_events") &&
      ::mount("tracefs", tracefs, "tracefs", 0, nullptr) != 0)
    fail(tracefs);
  write_line(std::string(tracefs) + "/kprobe_events", "p:" + event_ + " " + function);
  write_line(std::string(tracefs) + "/events/kprobes/" + event_ + "/enable", "1");
}

CallCount::~CallCount() {
  std::fstream(std::string(tracefs) + "/events/kprobes/" + event_ + "/enable", std::ios::in | std::ios::out) << "0\n";
  std::fstream(std::string(tracefs) + "/kprobe_events", std::ios::in | std::ios::out) << "-:" + event_ + "\n";
}

uint64_t CallCount::hits() const {
  std::ifstream profile(std::string(tracefs) + "/kprobe_profile");
  for (std::string line; std::getline(profile, line);) {
    std::istringstream fields(line);
    std::string name;
    uint64_t hits = 0;
    if (fields >> name >> hits && name == event_) return hits;
  }
  throw std::runtime_error("kprobe_profile has no " + event_);
}

}  // namespace vbpf::test
