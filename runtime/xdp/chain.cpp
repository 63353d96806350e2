// SPDX-License-Identifier: Apache-2.0
#include "chain.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <xdp/libxdp.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

#include "datapath.skel.h"
#include "file.h"

namespace vbpf::xdp {
namespace {

// After all that chose a priority (libxdp's default is 50): what is redirected to us does not come back to the chain.
constexpr unsigned run_last = 1000;

struct CloseChain {
  void operator()(xdp_multiprog* chain) const { xdp_multiprog__close(chain); }
};
using Chain = std::unique_ptr<xdp_multiprog, CloseChain>;

// Null when there is none, or only a program without a dispatcher.
Chain chain_of(uint32_t ifindex) {
  libxdp_set_print(nullptr);  // errors are returned, not printed
  xdp_multiprog* found = xdp_multiprog__get_from_ifindex(static_cast<int>(ifindex));
  if (libxdp_get_error(found) != 0) return nullptr;
  Chain chain(found);
  return xdp_multiprog__is_legacy(found) ? nullptr : std::move(chain);
}

// The id of the member that uses a map; 0 if there is none.
uint32_t member_with_map(const xdp_multiprog* chain, uint32_t map) {
  for (xdp_program* member = nullptr; (member = xdp_multiprog__next_prog(member, chain)) != nullptr;) {
    const File program(bpf_prog_get_fd_by_id(xdp_program__id(member)));
    std::array<uint32_t, 64> maps{};
    bpf_prog_info info{};
    uint32_t size = sizeof(info);
    info.map_ids = reinterpret_cast<uint64_t>(maps.data());
    info.nr_map_ids = maps.size();
    if (!program || bpf_obj_get_info_by_fd(program.get(), &info, &size) != 0) continue;
    const auto* const end = maps.data() + std::min<size_t>(info.nr_map_ids, maps.size());
    if (std::find(static_cast<const uint32_t*>(maps.data()), end, map) != end) return xdp_program__id(member);
  }
  return 0;
}

Result<uint32_t> map_id(int descriptor) {
  bpf_map_info info{};
  uint32_t size = sizeof(info);
  if (bpf_obj_get_info_by_fd(descriptor, &info, &size) != 0) return system_error("an eBPF map's id", errno);
  return info.id;
}

// All maps are those of `programs`, and of the programs only the one that redirects is loaded.
Result<void> share_maps(const datapath& skeleton, const bpf_object& programs) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, skeleton.obj) {
    const int descriptor = bpf_object__find_map_fd_by_name(&programs, bpf_map__name(map));
    if (descriptor < 0 || bpf_map__reuse_fd(map, descriptor) != 0)
      return Error{ErrorKind::internal, std::string("the eBPF map ") + bpf_map__name(map) + " cannot be shared"};
  }
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, skeleton.obj)
      bpf_program__set_autoload(program, program == skeleton.progs.vbpf_chained);
  return {};
}

// Which network namespace this thread is in.
Result<uint64_t> network_namespace() {
  struct stat status{};
  if (::stat("/proc/thread-self/ns/net", &status) != 0) return system_error("/proc/thread-self/ns/net", errno);
  return status.st_ino;
}

Error join_error(const Device& device, long number) {
  char text[128] = "";
  libxdp_strerror(static_cast<int>(number), text, sizeof(text));
  return {ErrorKind::machine, device.name +
                                  " has a libxdp dispatcher with other programs, which vBPF's could not join (" + text +
                                  "): the kernel must allow freplace programs, and bpffs be mounted at /sys/fs/bpf"};
}

}  // namespace

bool has_dispatcher(const Device& device) {
  const Chain chain = chain_of(device.ifindex);
  return chain != nullptr && xdp_multiprog__attach_mode(chain.get()) == XDP_MODE_NATIVE;
}

ChainMember::ChainMember(ChainMember&& other) noexcept
    : ifindex_(other.ifindex_),
      namespace_(std::move(other.namespace_)),
      record_(std::move(other.record_)),
      skeleton_(std::exchange(other.skeleton_, nullptr)),
      program_(std::exchange(other.program_, nullptr)) {}

Result<ChainMember> ChainMember::join(const Device& device, const bpf_object& programs, const std::string& record) {
  ChainMember member;
  member.namespace_ = File(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!member.namespace_) return system_error("/proc/thread-self/ns/net", errno);
  member.skeleton_ = datapath__open();
  if (member.skeleton_ == nullptr) return system_error("the eBPF programs could not be opened", errno);
  VBPF_CHECK(share_maps(*member.skeleton_, programs));
  VBPF_TRY(const uint32_t sockets, map_id(bpf_object__find_map_fd_by_name(&programs, "sockets")));
  xdp_program_opts options{};
  options.sz = sizeof(options);
  options.obj = member.skeleton_->obj;
  options.prog_name = "vbpf_chained";
  xdp_program* program = xdp_program__create(&options);
  if (const long error = libxdp_get_error(program); error != 0) return join_error(device, error);
  std::unique_ptr<xdp_program, decltype(&xdp_program__close)> owned(program, xdp_program__close);
  xdp_program__set_run_prio(program, run_last);
  if (!record.empty()) {
    VBPF_TRY(const uint64_t space, network_namespace());
    std::ofstream file(record);
    file << space << ' ' << device.ifindex << ' ' << sockets << '\n';
    if (!file.flush()) return system_error("cannot write " + record, errno);
    member.record_ = record;
  }
  const int error = xdp_program__attach(program, static_cast<int>(device.ifindex), XDP_MODE_NATIVE, 0);
  if (error != 0) return join_error(device, error);
  member.program_ = owned.release();
  member.ifindex_ = device.ifindex;
  return member;
}

ChainMember::~ChainMember() {
  if (program_ != nullptr) {
    // A thread of its own, because who destroys it may be in another network namespace by now.
    std::thread([this] {
      if (::setns(namespace_.get(), CLONE_NEWNET) == 0 && is_called())
        xdp_program__detach(program_, static_cast<int>(ifindex_), XDP_MODE_NATIVE, 0);
    }).join();
    xdp_program__close(program_);
  }
  datapath__destroy(skeleton_);
  std::error_code ignored;  // whoever reads it later finds no member
  if (!record_.empty()) std::filesystem::remove(record_, ignored);
}

uint32_t ChainMember::program_id() const { return xdp_program__id(program_); }

bool ChainMember::is_called() const {
  const Chain chain = chain_of(ifindex_);
  if (chain == nullptr) return false;
  for (xdp_program* member = nullptr; (member = xdp_multiprog__next_prog(member, chain.get())) != nullptr;) {
    if (xdp_program__id(member) == program_id()) return true;
  }
  return false;
}

Result<void> leave_recorded_chain(const std::string& record) {
  std::ifstream file(record);
  uint64_t space = 0;
  uint32_t ifindex = 0, map = 0;
  if (!(file >> space >> ifindex >> map)) return {};
  VBPF_TRY(const uint64_t here, network_namespace());
  if (space != here) {
    return Error{
        ErrorKind::machine,
        "an eBPF program of an extension whose process has died is in a chain of another network namespace: run "
        "`vbpf list` there"};
  }
  const Chain chain = chain_of(ifindex);
  const uint32_t id = chain == nullptr ? 0 : member_with_map(chain.get(), map);
  if (id == 0) return {};
  xdp_program* program = xdp_program__from_id(id);
  if (const long error = libxdp_get_error(program); error != 0)
    return system_error("eBPF program " + std::to_string(id), static_cast<int>(-error));
  const std::unique_ptr<xdp_program, decltype(&xdp_program__close)> owned(program, xdp_program__close);
  const int error = xdp_program__detach(program, static_cast<int>(ifindex), XDP_MODE_NATIVE, 0);
  if (error != 0) return system_error("eBPF program " + std::to_string(id) + " could not be detached", -error);
  return {};
}

}  // namespace vbpf::xdp
