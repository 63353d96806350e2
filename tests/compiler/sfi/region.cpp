// SPDX-License-Identifier: Apache-2.0
#include "region.h"

#include <asm/prctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>

#include "vbpf/abi.h"

namespace vbpf::test {

// The imports, as far as the tests need them. They run on the extension's stack; an abort leaves it for good.
struct Imports {
  static inline Region* current = nullptr;
  static inline std::jmp_buf out;

  static void abort(uint32_t, const char* message, uint64_t length) {
    current->aborted_.assign(message, length);
    std::longjmp(out, 1);
  }
  static void log_write(const char* message, uint64_t length) { current->log_.append(message, length) += '\n'; }
  static uint64_t ktime_get_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
  }
  static uint32_t prandom() { return 4; }
  static uint32_t cpu() { return 0; }
};

namespace {

struct Import {
  const char* name;
  void* function;
};
const std::array<Import, 5> kImports{{{"vbpf_abort", reinterpret_cast<void*>(&Imports::abort)},
                                      {"vbpf_log_write", reinterpret_cast<void*>(&Imports::log_write)},
                                      {"vbpf_ktime_get_ns", reinterpret_cast<void*>(&Imports::ktime_get_ns)},
                                      {"vbpf_get_prandom_u32", reinterpret_cast<void*>(&Imports::prandom)},
                                      {"vbpf_get_smp_processor_id", reinterpret_cast<void*>(&Imports::cpu)}}};

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

void* pointer(uint64_t address) {
  return reinterpret_cast<void*>(address);  // NOLINT(performance-no-int-to-ptr): addresses come from the layout
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
  munmap(pointer(end), reinterpret_cast<uint64_t>(memory) + size - end);
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
  for (const Import& import : kImports)
    options.externals.push_back({import.name, address += kThunkSize, verifier::External::Kind::branch});
  options.externals.push_back({VBPF_SYMBOL_HEAP_START, base + VBPF_OFF_HEAP, verifier::External::Kind::data});
  options.externals.push_back(
      {VBPF_SYMBOL_HEAP_END, base + VBPF_OFF_HEAP + VBPF_HEAP_SIZE_DEFAULT, verifier::External::Kind::data});
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
  require(region->map(VBPF_OFF_HEAP, VBPF_HEAP_SIZE_DEFAULT, nullptr, 0, PROT_READ | PROT_WRITE), "heap");
  require(region->map(VBPF_OFF_INFO, 4096, &region->base_, sizeof region->base_, PROT_READ), "info");
  region->write_thunks();
  if (variant == verifier::Variant::sfi) region->gs_base_ = region->base_;
  Imports::current = region.get();
  for (uint64_t constructor : region->image_.constructors) {
    syscall(SYS_arch_prctl, ARCH_SET_GS, region->gs_base_);
    call_on(region->base_ + VBPF_OFF_STACKS + kStackSize, constructor, 0);
  }
  return region;
}

Region::~Region() { munmap(pointer(base_ - VBPF_REGION_GUARD), VBPF_REGION_SIZE + 2 * VBPF_REGION_GUARD); }

bool Region::map(uint64_t offset, size_t size, const void* bytes, size_t count, int protection) {
  void* memory = mmap(pointer(base_ + offset), size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return false;
  if (count != 0) std::memcpy(memory, bytes, count);
  return mprotect(memory, size, protection) == 0;
}

void Region::write_thunks() {
  std::array<unsigned char, (kRegisters.size() + kImports.size() + 1) * kThunkSize> code;
  code.fill(0xcc);
  code[0] = 0xc3;  // ret
  for (size_t i = 0; i < kRegisters.size(); ++i) {
    unsigned char* at = &code[(i + 1) * kThunkSize];
    if (kNumbers[i] >= 8) *at++ = 0x41;
    *at++ = 0xff;  // jmp *%reg
    *at = static_cast<unsigned char>(0xe0 | (kNumbers[i] & 7));
  }
  for (size_t i = 0; i < kImports.size(); ++i) {
    unsigned char* at = &code[(kRegisters.size() + i + 1) * kThunkSize];
    at[0] = 0x48;  // movabs $function,%rax; jmp *%rax
    at[1] = 0xb8;
    std::memcpy(at + 2, static_cast<const void*>(&kImports[i].function), 8);
    at[10] = 0xff;
    at[11] = 0xe0;
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
    Imports::current = this;
    aborted_.clear();
    if (setjmp(Imports::out) != 0) return 0;
    return call_on(base_ + VBPF_OFF_STACKS + kStackSize, entry.address, argument);
  }
  std::fprintf(stderr, "no function %s\n", function.c_str());
  std::abort();
}

}  // namespace vbpf::test
