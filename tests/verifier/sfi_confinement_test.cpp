// SPDX-License-Identifier: Apache-2.0
// SFI, asked of the CPU: each instruction that the verifier accepts for the sfi variant is run once with registers that
// point outside the region. It may access memory only inside the region (all of which faults here, but for the stack)
// or relative to %rip, and must leave %rsp in the region.
#include <Zydis/Zydis.h>
#include <asm/prctl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "encodings.h"
#include "support.h"
#include "vbpf/abi.h"

namespace vbpf::verifier::test {
namespace {

constexpr size_t page = 4096;
constexpr uint64_t outside = 0x033333330000;  // nothing is mapped here, nor at small multiples of it

uint8_t* code_page = nullptr;
uint64_t region = 0, stack_pointer = 0;
const std::vector<Code>* shots = nullptr;
size_t current = 0, inside = 0, completed = 0;
bool started = false;
std::vector<std::string>* wrong = nullptr;
ucontext_t home;

void load(ucontext_t* context) {
  const Code& code = (*shots)[current];
  std::memset(code_page + 64, 0x90, 64);
  std::memcpy(code_page + 64, code.data(), code.size());
  greg_t* regs = context->uc_mcontext.gregs;
  for (int reg : {REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RDI, REG_RSI, REG_RBP,
                  REG_RBX, REG_RDX, REG_RAX, REG_RCX})
    regs[reg] = static_cast<greg_t>(outside);
  regs[REG_RSP] = static_cast<greg_t>(stack_pointer);
  regs[REG_RIP] = reinterpret_cast<greg_t>(code_page + 64);
  regs[REG_EFL] = 0x102;  // trap after one instruction
}

void complain(const char* what, uint64_t value) {
  if (wrong->size() >= 20) return;
  static constexpr char digits[] = "0123456789abcdef";
  std::string text = what;
  for (int shift = 44; shift >= 0; shift -= 4) text += digits[value >> shift & 15];
  for (uint8_t byte : (*shots)[current]) text += {' ', digits[byte >> 4], digits[byte & 15]};
  wrong->push_back(text);
}

void judge(int signal, const siginfo_t* info, const ucontext_t* context) {
  auto rsp = static_cast<uint64_t>(context->uc_mcontext.gregs[REG_RSP]);
  if (rsp - (stack_pointer - 8) > 16) complain("moved %rsp to ", rsp);
  if (signal == SIGTRAP) ++completed;
  constexpr greg_t page_fault = 14;  // others (misalignment) come before any access
  if (signal != SIGSEGV || context->uc_mcontext.gregs[REG_TRAPNO] != page_fault) return;
  auto address = reinterpret_cast<uint64_t>(info->si_addr);
  bool in_region = address - (region - VBPF_REGION_GUARD) < VBPF_REGION_SIZE + 2 * VBPF_REGION_GUARD;
  bool near_code = address - reinterpret_cast<uint64_t>(code_page) < 4 * page;
  inside += in_region;
  if (!in_region && !near_code) complain("accessed ", address);
}

void on_signal(int signal, siginfo_t* info, void* raw) {
  auto* context = static_cast<ucontext_t*>(raw);
  if (!started) {
    started = true;
    home.uc_mcontext = context->uc_mcontext;
    return load(context);
  }
  judge(signal, info, context);
  if (++current < shots->size()) return load(context);
  std::memcpy(context->uc_mcontext.gregs, home.uc_mcontext.gregs, sizeof(home.uc_mcontext.gregs));
}

class SfiConfinement : public testing::Test {
 protected:
  void SetUp() override {
    object_ = read_file(std::filesystem::path(VBPF_OBJECTS) / "slot.o");
    std::vector<std::byte> pattern(256, std::byte{0x90});
    auto found = std::search(object_.begin(), object_.end(), pattern.begin(), pattern.end());
    ASSERT_NE(found, object_.end());
    slot_ = static_cast<size_t>(found - object_.begin());
    options_.max_diagnostics = 1;
    ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  }

  void consider(const Code& bytes) {
    ZydisDecodedInstruction instruction;
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder_, nullptr, bytes.data(), bytes.size(), &instruction)))
      return;
    if (instruction.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE && instruction.mnemonic != ZYDIS_MNEMONIC_CALL) return;
    std::fill_n(object_.begin() + static_cast<ptrdiff_t>(slot_), 32, std::byte{0x90});
    std::memcpy(object_.data() + slot_, bytes.data(), instruction.length);
    if (verify(object_, options_).image) shots_.emplace_back(bytes.begin(), bytes.begin() + instruction.length);
  }

  void fire() {
    constexpr size_t reserved = 3 * VBPF_REGION_SIZE;
    // Low enough that region + outside is an address too.
    void* all = mmap(reinterpret_cast<void*>(0x100000000000),  // NOLINT(performance-no-int-to-ptr)
                     reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ASSERT_NE(all, MAP_FAILED);
    region = (reinterpret_cast<uint64_t>(all) + 2 * VBPF_REGION_SIZE - 1) & ~(VBPF_REGION_SIZE - 1);
    std::byte* stack = static_cast<std::byte*>(all) + (region - reinterpret_cast<uint64_t>(all)) + VBPF_OFF_STACKS;
    ASSERT_EQ(mprotect(stack, 16 * page, PROT_READ | PROT_WRITE), 0);
    stack_pointer = reinterpret_cast<uint64_t>(stack) + 8 * page;
    void* code = mmap(nullptr, 4 * page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(code, MAP_FAILED);
    code_page = static_cast<uint8_t*>(code);
    std::memset(code_page, 0x90, page);
    std::vector<uint8_t> handler_stack(256 << 10);
    stack_t alternate{.ss_sp = handler_stack.data(), .ss_flags = 0, .ss_size = handler_stack.size()};
    ASSERT_EQ(sigaltstack(&alternate, nullptr), 0);
    struct sigaction action = {}, before[5];
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    const int signals[] = {SIGTRAP, SIGSEGV, SIGILL, SIGFPE, SIGBUS};
    for (int i = 0; i < 5; ++i) sigaction(signals[i], &action, &before[i]);
    ASSERT_EQ(syscall(SYS_arch_prctl, ARCH_SET_GS, region), 0);
    shots = &shots_;
    wrong = &wrong_;
    current = inside = completed = 0;
    started = false;
    raise(SIGTRAP);
    syscall(SYS_arch_prctl, ARCH_SET_GS, 0);
    for (int i = 0; i < 5; ++i) sigaction(signals[i], &before[i], nullptr);
    alternate.ss_flags = SS_DISABLE;
    sigaltstack(&alternate, nullptr);
    munmap(code, 4 * page);
    munmap(all, reserved);
    EXPECT_EQ(current, shots_.size());
  }

  void expect_confined() {
    fire();
    for (const std::string& text : wrong_) ADD_FAILURE() << text;
  }

  std::vector<std::byte> object_;
  size_t slot_ = 0;
  Options options_ = options_for(Variant::sfi);
  ZydisDecoder decoder_;
  std::vector<Code> shots_;
  std::vector<std::string> wrong_;
};

// The judge itself, on what the verifier refuses.
TEST_F(SfiConfinement, NoticesAnEscape) {
  shots_ = {
      {0x48, 0x8b, 0x07},              // mov (%rdi),%rax
      {0x67, 0x8b, 0x07},              // mov (%edi),%eax
      {0x65, 0x48, 0x8b, 0x07},        // mov %gs:(%rdi),%rax
      {0x48, 0x89, 0xc4},              // mov %rax,%rsp
      {0xaa},                          // stosb
      {0x65, 0x67, 0x48, 0x8b, 0x07},  // right: mov %gs:(%edi),%rax
  };
  fire();
  EXPECT_EQ(wrong_.size(), 5u);
  EXPECT_EQ(inside, 1u);
}

TEST_F(SfiConfinement, LegacyEncodings) {
  for_each_legacy_encoding([&](const Code& code) { consider(code); });
  EXPECT_GT(shots_.size(), 5000u);
  expect_confined();
  EXPECT_GT(completed, 5000u);
}

TEST_F(SfiConfinement, LegacyEncodingsWithTheRegionsSegment) {
  for_each_legacy_encoding([&](const Code& code) { consider(code); }, {0x65, 0x67});
  EXPECT_GT(shots_.size(), 5000u);
  expect_confined();
  EXPECT_GT(inside, 2000u);
}

TEST_F(SfiConfinement, VexEncodings) {
  for_each_vex_encoding({}, [&](const Code& code) { consider(code); });
  for_each_vex_encoding({0x65, 0x67}, [&](const Code& code) { consider(code); });
  EXPECT_GT(shots_.size(), 5000u);
  expect_confined();
  EXPECT_GT(inside, 1000u);
}

}  // namespace
}  // namespace vbpf::verifier::test
