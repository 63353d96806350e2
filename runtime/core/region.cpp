// SPDX-License-Identifier: Apache-2.0
#include "region.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "vbpf/abi.h"

namespace vbpf {
namespace {

Error no_memory(const char* what) {
  return {ErrorKind::machine, std::string("cannot map ") + what + ": " + std::strerror(errno) +
                                  "; raise the limits on address space (ulimit -v) and mappings (vm.max_map_count)"};
}

}  // namespace

Result<Region> Region::reserve() {
  constexpr uint64_t whole = VBPF_REGION_SIZE + 2 * VBPF_REGION_GUARD;
  constexpr uint64_t with_slack = whole + VBPF_REGION_SIZE;
  void* memory = ::mmap(nullptr, with_slack, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return no_memory("an extension's 4 GiB region");
  const auto first = reinterpret_cast<uint64_t>(memory);
  const uint64_t base = (first + VBPF_REGION_GUARD + VBPF_REGION_SIZE - 1) & ~(VBPF_REGION_SIZE - 1);
  const uint64_t begin = base - VBPF_REGION_GUARD, end = begin + whole;
  if (begin != first) ::munmap(memory, begin - first);
  if (end != first + with_slack) ::munmap(memory_at(end), first + with_slack - end);
  return Region(base);
}

Region::Region(Region&& other) noexcept
    : base_(std::exchange(other.base_, 0)), key_(other.key_), ranges_(std::move(other.ranges_)) {}

Region& Region::operator=(Region&& other) noexcept {
  std::swap(base_, other.base_);
  std::swap(key_, other.key_);
  std::swap(ranges_, other.ranges_);
  return *this;
}

Region::~Region() {
  if (base_ != 0) ::munmap(memory_at(base_ - VBPF_REGION_GUARD), VBPF_REGION_SIZE + 2 * VBPF_REGION_GUARD);
}

Result<void> Region::map(uint64_t offset, uint64_t size, Range::Kind kind, int memory) {
  const int flags = memory < 0 ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE : MAP_SHARED;
  std::byte* const at = memory_at(base_ + offset);
  // Without access until it has its key.
  if (::mmap(at, size, PROT_NONE, flags | MAP_FIXED, memory, 0) == MAP_FAILED)
    return no_memory("an extension's memory");
  if (::pkey_mprotect(at, size, PROT_READ | PROT_WRITE, key_) != 0) return no_memory("an extension's memory");
  ranges_.push_back({base_ + offset, base_ + offset + size, kind});
  return {};
}

Result<void> Region::map_filled(uint64_t offset, uint64_t size, std::span<const std::byte> bytes, int protection,
                                Range::Kind kind) {
  std::byte* const at = memory_at(base_ + offset);
  const int fill = bytes.empty() ? PROT_NONE : PROT_READ | PROT_WRITE;  // writable memory counts as committed
  if (::mmap(at, size, fill, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
    return no_memory("an extension's image");
  // The key comes with the final protection: nothing of the extension runs yet.
  if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
  if (::pkey_mprotect(at, size, protection, key_) != 0) return no_memory("an extension's image");
  ranges_.push_back({base_ + offset, base_ + offset + size, kind});
  return {};
}

Result<void> Region::map_view(uint64_t offset, uint64_t size, int file) {
  std::byte* const at = memory_at(base_ + offset);
  if (::mmap(at, size, PROT_NONE, MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED ||
      ::pkey_mprotect(at, size, PROT_READ, key_) != 0)
    return no_memory("a file for an extension to read");
  ranges_.push_back({base_ + offset, base_ + offset + size, Range::Kind::view});
  return {};
}

const Range* Region::find(uint64_t address) const {
  for (const Range& range : ranges_) {
    if (address >= range.begin && address < range.end) return &range;
  }
  return nullptr;
}

bool Region::owns(uint64_t address, uint64_t size, bool writable) const {
  const uint64_t end = address + size;
  if (end < address) return false;
  const auto fits = [&](const Range* range) {
    // A view's pages may go: the extension's fault when it looks there, the host's when it would.
    return range != nullptr && range->kind != Range::Kind::view &&
           (!writable || range->kind == Range::Kind::data || range->kind == Range::Kind::stack ||
            range->kind == Range::Kind::heap || range->kind == Range::Kind::window);
  };
  // Neighbouring ranges add up: windows, and data after read-only data.
  while (address < end) {
    const Range* range = find(address);
    if (!fits(range)) return false;
    address = range->end;
  }
  return size != 0 || fits(find(address));
}

}  // namespace vbpf
