// SPDX-License-Identifier: Apache-2.0
#include "machine.h"

#include <cpuid.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/utsname.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace vbpf {
namespace {

std::atomic<uint32_t> keys_in_use{0};

// Empty when the machine can, else why it cannot.
std::string why_no_pku() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0 || (ecx & bit_PKU) == 0)
    return "this CPU has no protection keys (PKU)";
  if ((ecx & bit_OSPKE) == 0)
    return "the kernel does not use the CPU's protection keys (built without, or booted with nopku)";
  utsname name{};
  unsigned major = 0, minor = 0;
  // Older ones cannot deliver a signal while key 0 is closed.
  if (::uname(&name) != 0 || std::sscanf(name.release, "%u.%u", &major, &minor) != 2 || major < 6 ||
      (major == 6 && minor < 12)) {
    return std::string("PKU confinement needs Linux 6.12 or newer, and this is ") + name.release;
  }
  return "";
}

std::string why_no_gs_base() {
  constexpr unsigned long hwcap2_fsgsbase = 2;
  if ((::getauxval(AT_HWCAP2) & hwcap2_fsgsbase) != 0) return "";
  return "the CPU or the kernel does not let programs set the GS base (FSGSBASE; Linux 5.9 or newer, not booted with "
         "nofsgsbase)";
}

}  // namespace

Result<Choice> choose_confinement(std::optional<Confinement> asked) {
  if (const std::string why = why_no_gs_base(); !why.empty())
    return Error{ErrorKind::machine, "extensions cannot run here: " + why};
  if (asked == Confinement::unconfined)
    return Choice{Confinement::unconfined, "asked for: nothing keeps this extension out of the program's memory"};
  if (asked == Confinement::sfi) return Choice{Confinement::sfi, "asked for"};
  const std::string why = why_no_pku();
  if (asked == Confinement::pku) {
    if (why.empty()) return Choice{Confinement::pku, "asked for"};
    return Error{ErrorKind::machine, why + "; use SFI (--confine sfi)"};
  }
  if (why.empty()) return Choice{Confinement::pku, "the CPU has protection keys (PKU)"};
  return Choice{Confinement::sfi, why + ", so every memory access is confined by its instruction (SFI)"};
}

bool cpu_has_avx() { return __builtin_cpu_supports("avx") != 0; }

Result<ProtectionKey> ProtectionKey::allocate() {
  const int key = ::pkey_alloc(0, 0);
  if (key < 0) {
    return Error{ErrorKind::machine, std::string("no protection key is left: ") + std::strerror(errno) +
                                         "; each instance takes one of at most 15: load fewer, declare them shared, "
                                         "or use SFI (--confine sfi)"};
  }
  keys_in_use.fetch_or(1u << key);
  ProtectionKey owned;
  owned.value_ = key;
  return owned;
}

ProtectionKey::ProtectionKey(ProtectionKey&& other) noexcept : value_(std::exchange(other.value_, -1)) {}

ProtectionKey& ProtectionKey::operator=(ProtectionKey&& other) noexcept {
  std::swap(value_, other.value_);
  return *this;
}

ProtectionKey::~ProtectionKey() {
  if (value_ < 0) return;
  keys_in_use.fetch_and(~(1u << value_));
  ::pkey_free(value_);
}

bool ProtectionKey::in_use(uint32_t key) { return key < 16 && (keys_in_use.load() & 1u << key) != 0; }

}  // namespace vbpf
