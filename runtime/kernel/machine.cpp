// SPDX-License-Identifier: Apache-2.0
#include "machine.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>

#include <cerrno>
#include <cstring>

namespace vbpf::kernel {
namespace {

// Empty when it can.
std::string why_not(uint32_t support) {
  switch (support) {
    case VBPF_SUPPORT_OK:
      return "";
    case VBPF_SUPPORT_NO_PKS:
      return "this CPU has no protection keys for supervisor pages (PKS)";
    case VBPF_SUPPORT_NO_SMAP:
      return "this CPU has no SMAP, or it is turned off";
    case VBPF_SUPPORT_FRED:
      return "FRED is on, which the engine cannot use: boot with fred=off";
    case VBPF_SUPPORT_IBT:
      return "indirect branch tracking is on, which the engine cannot use: boot with ibt=off";
    case VBPF_SUPPORT_PV:
      return "the kernel's events are its hypervisor's (Xen PV, SEV-ES)";
    default:
      return "a CPU could not be set up: the kernel's log says why";
  }
}

}  // namespace

Error device_error(const std::string& what, int number) {
  switch (number) {
    case EPERM:
    case EACCES:
      return {ErrorKind::refused,
              what + ": not permitted; CAP_SYS_MODULE is needed, and a kernel that is not locked down"};
    case ENOSPC:
      return {ErrorKind::machine, what + ": all protection keys for extensions are taken; unload one first"};
    case E2BIG:
      return {ErrorKind::bad_input, what + ": stack, heap or copied bytes are more than the kernel engine gives"};
    case EEXIST:
      return {ErrorKind::refused, what + ": the kernel has an extension of this name; unload it, or choose another"};
    case ENOMEM:
      return {ErrorKind::machine, what + ": not enough memory, in the system or in this control group"};
    default:
      return {ErrorKind::internal, what + ": " + std::strerror(number)};
  }
}

Result<Machine> Machine::open() {
  Machine machine;
  machine.device = File(::open(VBPF_DEVICE, O_RDWR | O_CLOEXEC));
  if (!machine.device && (errno == EACCES || errno == EPERM)) return device_error("cannot open " VBPF_DEVICE, errno);
  if (!machine.device) {
    utsname name{};
    ::uname(&name);
    return Error{ErrorKind::machine,
                 std::string("the running kernel (") + name.release +
                     ") has no vBPF engine; build one with kernel-patch/build, or use --engine user"};
  }
  if (::ioctl(machine.device.get(), VBPF_IOC_QUERY, &machine.query) != 0)
    return device_error("cannot ask " VBPF_DEVICE, errno);
  if (machine.query.version != VBPF_UAPI_VERSION) {
    return Error{ErrorKind::machine, "the kernel's engine has interface version " +
                                         std::to_string(machine.query.version) + ", and this vbpf needs " +
                                         std::to_string(VBPF_UAPI_VERSION)};
  }
  if (const std::string reason = why_not(machine.query.support); !reason.empty())
    return Error{ErrorKind::machine, "the kernel engine cannot run here: " + reason + "; use --engine user"};
  return machine;
}

}  // namespace vbpf::kernel
