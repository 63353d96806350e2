// SPDX-License-Identifier: Apache-2.0
#include "stub.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "stub.skel.h"

namespace vbpf::kernel {
namespace {

const std::string pins = "/sys/fs/bpf/vbpf";

// bpffs takes no dots.
std::string pin_path(const std::string& name) {
  std::string path = pins + "/";
  for (const char c : name) path += c == '.' ? std::string("%2e") : std::string(1, c);
  return path;
}

File link_to(int program, uint32_t ifindex, bool generic) {
  bpf_link_create_opts options{};
  options.sz = sizeof(options);
  options.flags = generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
  return File(bpf_link_create(program, static_cast<int>(ifindex), BPF_XDP, &options));
}

}  // namespace

Result<Stub> attach_stub(const xdp::Device& device, uint32_t extension, uint32_t entry, xdp::AttachMode mode) {
  libbpf_set_print(nullptr);  // errors are returned, not printed
  const std::unique_ptr<struct stub, decltype(&stub__destroy)> skeleton(stub__open(), stub__destroy);
  if (skeleton == nullptr) return system_error("the eBPF program could not be opened", errno);
  skeleton->rodata->extension = extension;
  skeleton->rodata->entry = entry;
  if (const int error = stub__load(skeleton.get()); error != 0)
    return system_error("the kernel did not take the eBPF program that calls the extension", -error);
  const int program = bpf_program__fd(skeleton->progs.vbpf_stub);
  bpf_prog_info info{};
  uint32_t size = sizeof(info);
  if (bpf_obj_get_info_by_fd(program, &info, &size) != 0) return system_error("an eBPF program's id", errno);
  Stub stub;
  stub.program_id = info.id;
  stub.native = mode != xdp::AttachMode::generic;
  stub.link = link_to(program, device.ifindex, !stub.native);
  if (!stub.link && mode == xdp::AttachMode::automatic && errno != EBUSY && errno != EEXIST) {
    stub.native = false;
    stub.link = link_to(program, device.ifindex, true);
  }
  if (!stub.link) {
    const int error = errno;
    VBPF_CHECK(check_no_program(device));
    return system_error("the eBPF program could not be attached to " + device.name, error);
  }
  return stub;
}

std::optional<StubPlace> find_stub(const std::string& name) {
  const File link(bpf_obj_get(pin_path(name).c_str()));
  bpf_link_info info{};
  uint32_t size = sizeof(info);
  if (!link || bpf_obj_get_info_by_fd(link.get(), &info, &size) != 0) return std::nullopt;
  return StubPlace{info.xdp.ifindex, info.prog_id};
}

Result<void> pin_stub(const Stub& stub, const std::string& name) {
  struct statfs at{};
  if (::statfs("/sys/fs/bpf", &at) != 0 || at.f_type != BPF_FS_MAGIC)
    return Error{ErrorKind::machine, "bpffs is not there: mount -t bpf bpf /sys/fs/bpf"};
  if (::mkdir(pins.c_str(), 0700) != 0 && errno != EEXIST) return system_error("cannot make " + pins, errno);
  const std::string path = pin_path(name);
  ::unlink(path.c_str());  // of an extension that is gone: names are the kernel's to keep apart
  if (bpf_obj_pin(stub.link.get(), path.c_str()) != 0) return system_error("cannot pin the link at " + path, errno);
  return {};
}

void unpin_stub(const std::string& name) {
  ::unlink(pin_path(name).c_str());
  ::rmdir(pins.c_str());
}

}  // namespace vbpf::kernel
