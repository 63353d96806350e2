// SPDX-License-Identifier: Apache-2.0
#include "registry.h"

#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace vbpf::kernel {
namespace {

// Calls `visit(id, descriptor, info)` for each until it returns true. One that goes away meanwhile is left out.
template <typename Visit>
Result<void> for_each(const Machine& machine, Visit visit) {
  for (uint32_t id = 0;;) {
    if (::ioctl(machine.device.get(), VBPF_IOC_NEXT, &id) != 0) {
      if (errno == ENOENT) return {};
      return device_error("cannot list the kernel's extensions", errno);
    }
    File extension(::ioctl(machine.device.get(), VBPF_IOC_OPEN, &id));
    vbpf_info info{};
    if (!extension || ::ioctl(extension.get(), VBPF_EXT_INFO, &info) != 0) continue;
    if (visit(id, extension, info)) return {};
  }
}

std::string name_of(const vbpf_info& info) { return {info.name, ::strnlen(info.name, sizeof(info.name))}; }

}  // namespace

Result<std::vector<std::string>> resident_names() {
  std::vector<std::string> names;
  const Result<Machine> machine = Machine::open();
  if (!machine && machine.error().kind == ErrorKind::machine) return names;
  if (!machine) return machine.error();
  VBPF_CHECK(for_each(*machine, [&](uint32_t, const File&, const vbpf_info& info) {
    if (info.kept != 0) names.push_back(name_of(info));
    return false;
  }));
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::optional<Held>> Held::find(const std::string& name) {
  Result<Machine> machine = Machine::open();
  if (!machine && machine.error().kind == ErrorKind::machine) return std::optional<Held>();
  if (!machine) return machine.error();
  File found;
  uint32_t found_id = 0;
  VBPF_CHECK(for_each(*machine, [&](uint32_t id, File& extension, const vbpf_info& info) {
    if (info.kept == 0 || name_of(info) != name) return false;
    found = std::move(extension);
    found_id = id;
    return true;
  }));
  if (!found) return std::optional<Held>();
  return std::optional<Held>(Held(std::move(*machine), std::move(found), found_id));
}

Result<vbpf_info> Held::info() const {
  vbpf_info info{};
  if (::ioctl(extension_.get(), VBPF_EXT_INFO, &info) != 0)
    return device_error("cannot ask the kernel about an extension", errno);
  return info;
}

Result<void> Held::unload() const {
  if (::ioctl(machine_.device.get(), VBPF_IOC_UNLOAD, &id_) != 0)
    return device_error("the kernel did not unload the extension", errno);
  return {};
}

}  // namespace vbpf::kernel
