// SPDX-License-Identifier: Apache-2.0
#include "region.h"

#include <asm/prctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "vbpf/abi.h"

namespace vbpf::test {
namespace {

constexpr size_t kStackSize = 16 << 20;
constexpr std::array<const char*, 15> kRegisters = {"rax", "rcx", "rdx", "rbx", "rbp", "rsi", "rdi", "r8",
                                                    "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
constexpr std::array<unsigned, 15> kNumbers = {0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
constexpr size_t kThunkSize = 16;

void require(bool condition, const char* what) {
  if (condition) return;
  std::perror(what);
  std::abort();
}

// 4 GiB of address space, aligned, with a guard on either side.
uint64_t reserve() {
  const size_t size = 2 * VBPF_REGION_SIZE + 2 * VBPF_REGION_GUARD;
  void* memory = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  require(memory != MAP_FAILED, "mmap");
  const uint64_t first = reinterpret_cast<uint64_t>(memory) + VBPF_REGION_GUARD;
  const uint64_t base = (first + VBPF_REGION_SIZE - 1) & ~(VBPF_REGION_SIZE - 1);
  const uint64_t begin = base - VBPF_REGION_GUARD, end = base + VBPF_REGION_SIZE + VBPF_REGION_GUARD;
  munmap(memory, begin - reinterpret_cast<uint64_t>(memory));
  munmap(reinterpret_cast<void*>(end), reinterpret_cast<uint64_t>(memory) + size - end);
  return base;
}

// Runs function(argument) on another stack. Its callee-saved registers are the compiler's to save.
uint64_t call_on(uint64_t stack, uint64_t function, uint64_t argument) {
  uint64_t result;
  asm volatile(
      "movq %%rsp, %%rbx\n\t"
      "movq %[stack], %%rsp\n\t"
      "call *%[function]\n\t"
      "movq %%rbx, %%rsp"
      : "=a"(result), "+D"(argument)
      : [stack] "r"(stack), [function] "r"(function)
      : "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4",
        "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
  return result;
}

verifier::Options options_for(uint64_t base, verifier::Variant variant) {
  verifier::Options options;
  options.variant = variant;
  options.region_base = base;
  uint64_t address = base + VBPF_OFF_THUNKS;
  options.externals.push_back({"__x86_return_thunk", address, verifier::External::Kind::return_thunk});
  for (const char* name : kRegisters)
    options.externals.push_back(
        {std::string("__x86_indirect_thunk_") + name, address += kThunkSize, verifier::External::Kind::branch});
  return options;
}

int protection_of(verifier::Segment::Kind kind) {
  if (kind == verifier::Segment::Kind::text) return PROT_READ | PROT_EXEC;
  return kind == verifier::Segment::Kind::data ? PROT_READ | PROT_WRITE : PROT_READ;
}

}  // namespace

std::unique_ptr<Region> Region::load(const std::string& path, verifier::Variant variant,
                                     std::vector<std::string>& errors) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes(std::istreambuf_iterator<char>(file), {});
  std::unique_ptr<Region> region(new Region(reserve()));
  verifier::Result result = verifier::verify(std::as_bytes(std::span(bytes)), options_for(region->base_, variant));
  for (const verifier::Diagnostic& d : result.diagnostics)
    errors.push_back(d.rule + ' ' + d.symbol + '+' + std::to_string(d.symbol_offset) + ": " + d.instruction + ": " +
                     d.message);
  if (!result.image) return nullptr;
  region->image_ = std::move(*result.image);
  for (const verifier::Segment& s : region->image_.segments)
    require(region->map(s.address - region->base_, s.size, s.bytes.data(), s.bytes.size(), protection_of(s.kind)),
            "image");
  require(region->map(VBPF_OFF_STACKS, kStackSize, nullptr, 0, PROT_READ | PROT_WRITE), "stack");
  require(region->map(VBPF_OFF_INFO, 4096, &region->base_, sizeof region->base_, PROT_READ), "info");
  region->write_thunks();
  if (variant == verifier::Variant::sfi) region->gs_base_ = region->base_;
  for (uint64_t constructor : region->image_.constructors) {
    syscall(SYS_arch_prctl, ARCH_SET_GS, region->gs_base_);
    call_on(region->base_ + VBPF_OFF_STACKS + kStackSize, constructor, 0);
  }
  return region;
}

Region::~Region() {
  munmap(reinterpret_cast<void*>(base_ - VBPF_REGION_GUARD), VBPF_REGION_SIZE + 2 * VBPF_REGION_GUARD);
}

bool Region::map(uint64_t offset, size_t size, const void* bytes, size_t count, int protection) {
  void* memory = mmap(reinterpret_cast<void*>(base_ + offset), size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return false;
  if (count != 0) std::memcpy(memory, bytes, count);
  return mprotect(memory, size, protection) == 0;
}

void Region::write_thunks() {
  std::array<unsigned char, (kRegisters.size() + 1) * kThunkSize> code;
  code.fill(0xcc);
  code[0] = 0xc3;  // ret
  for (size_t i = 0; i < kRegisters.size(); ++i) {
    unsigned char* at = &code[(i + 1) * kThunkSize];
    if (kNumbers[i] >= 8) *at++ = 0x41;
    *at++ = 0xff;  // jmp *%reg
    *at = static_cast<unsigned char>(0xe0 | (kNumbers[i] & 7));
  }
  require(map(VBPF_OFF_THUNKS, 4096, code.data(), code.size(), PROT_READ | PROT_EXEC), "thunks");
}

bool Region::has(const std::string& function) const {
  for (const verifier::Entry& entry : image_.entries)
    if (entry.name == function) return true;
  return false;
}

uint64_t Region::call(const std::string& function, uint64_t argument) {
  for (const verifier::Entry& entry : image_.entries) {
    if (entry.name != function) continue;
    require(syscall(SYS_arch_prctl, ARCH_SET_GS, gs_base_) == 0, "arch_prctl");
    return call_on(base_ + VBPF_OFF_STACKS + kStackSize, entry.address, argument);
  }
  std::fprintf(stderr, "no function %s\n", function.c_str());
  std::abort();
}

}  // namespace vbpf::test
