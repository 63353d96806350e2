// SPDX-License-Identifier: Apache-2.0
// The verifier is only as good as its decoder: does the CPU take each accepted instruction to be as long as the decoder
// says, and go where it says?
//
// Each accepted encoding is run once, single-stepped, as the last bytes of a page whose neighbour cannot be executed.
// The trap after it must find %rip where the decoder put it. An instruction that faults instead (unmapped memory,
// division) must not have needed bytes of the neighbour, and must need them when it is moved up by a byte.
#include <Zydis/Zydis.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <random>

#include "encodings.h"
#include "support.h"

namespace vbpf::verifier::test {
namespace {

constexpr size_t page = 4096;
constexpr uint64_t scratch_address = 0x012345600000;  // no multiple of it by 2 to 9 is where a program has its memory
constexpr size_t scratch_size = 1 << 20;

struct Shot {
  Code code;      // one instruction
  uint64_t next;  // offsets from its start
  uint64_t target;
  bool repeats;
  bool floating = true;  // may look at MXCSR and change it
  bool vectors = true;   // names a vector register
};

enum class Outcome { arrived, elsewhere, faulted, fetched };

// The gun: everything below runs in a signal handler, one signal for each instruction.
uint8_t* code_page = nullptr;  // the page after it has no access
const std::vector<Shot>* shots = nullptr;
size_t current = 0, arrivals = 0, float_marks = 0, vector_marks = 0;
bool shortened = false;  // the last byte of the instruction is on the other page
uint64_t start = 0;
std::vector<std::string>* wrong = nullptr;
ucontext_t home;

constexpr uint32_t default_mxcsr = 0x1f80;
// Signalling NaNs as float and as double, an inexact number as integer: arithmetic leaves a mark in MXCSR.
constexpr uint64_t odd_number = 0x7ff000007f800001;

void load_floats(ucontext_t* context) {
  auto* state = context->uc_mcontext.fpregs;
  state->mxcsr = default_mxcsr;
  for (auto& reg : state->_xmm) {
    for (size_t i = 0; i < 2; ++i) std::memcpy(&reg.element[2 * i], &odd_number, sizeof(odd_number));
  }
  auto* area = reinterpret_cast<std::byte*>(state);
  area[512] |= std::byte{2};  // the area for XMM registers is not in its initial state
}

bool vectors_are_as_loaded(const ucontext_t* context) {
  return std::ranges::all_of(context->uc_mcontext.fpregs->_xmm, [](const auto& reg) {
    return std::memcmp(&reg.element[0], &odd_number, sizeof(odd_number)) == 0 &&
           std::memcmp(&reg.element[2], &odd_number, sizeof(odd_number)) == 0;
  });
}

void load(ucontext_t* context) {
  const Shot& shot = (*shots)[current];
  uint8_t* at = code_page + page - shot.code.size() + (shortened ? 1 : 0);
  std::memcpy(at, shot.code.data(), shot.code.size() - (shortened ? 1 : 0));
  start = reinterpret_cast<uint64_t>(at);
  greg_t* regs = context->uc_mcontext.gregs;
  for (int reg : {REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RDI, REG_RSI, REG_RBP,
                  REG_RBX, REG_RDX, REG_RAX, REG_RCX, REG_RSP})
    regs[reg] = greg_t{scratch_address + scratch_size / 2};
  load_floats(context);
  regs[REG_RIP] = static_cast<greg_t>(start);
  regs[REG_EFL] = 0x102;  // trap after one instruction
}

Outcome outcome_of(int signal, const siginfo_t* info, const ucontext_t* context) {
  auto rip = static_cast<uint64_t>(context->uc_mcontext.gregs[REG_RIP]);
  const Shot& shot = (*shots)[current];
  auto boundary = reinterpret_cast<uint64_t>(code_page + page);
  bool fetch = signal == SIGSEGV && (context->uc_mcontext.gregs[REG_ERR] & 0x10) != 0;
  // The branch was taken and its target cannot be fetched, or is on no page: it has arrived.
  if (fetch && rip == start && reinterpret_cast<uint64_t>(info->si_addr) == boundary) return Outcome::fetched;
  if (signal == SIGTRAP || fetch) {
    bool there = rip == start + shot.next || rip == start + shot.target || (shot.repeats && rip == start);
    return there ? Outcome::arrived : Outcome::elsewhere;
  }
  return rip == start ? Outcome::faulted : Outcome::elsewhere;
}

void complain(const char* what) {
  if (wrong->size() >= 20) return;
  std::string text = what;
  for (uint8_t byte : (*shots)[current].code) {
    static constexpr char digits[] = "0123456789abcdef";
    text += {' ', digits[byte >> 4], digits[byte & 15]};
  }
  wrong->push_back(text);
}

void on_signal(int signal, siginfo_t* info, void* raw) {
  auto* context = static_cast<ucontext_t*>(raw);
  if (start == 0) {  // the first shot
    home.uc_mcontext = context->uc_mcontext;
    load(context);
    return;
  }
  Outcome outcome = outcome_of(signal, info, context);
  arrivals += outcome == Outcome::arrived;
  bool trap_instruction = signal == SIGTRAP && (*shots)[current].code == Code{0xcc};
  if (!shortened) {
    if (outcome == Outcome::fetched) complain("longer than the decoder says:");
    if (outcome == Outcome::elsewhere && !trap_instruction) complain("went elsewhere than the decoder says:");
    bool changed = context->uc_mcontext.fpregs->mxcsr != default_mxcsr;
    if (changed && !(*shots)[current].floating) complain("changes MXCSR, but is not listed as arithmetic:");
    float_marks += changed;
    const bool vector_changed = !vectors_are_as_loaded(context);
    if (vector_changed && !(*shots)[current].vectors)
      complain("changes a vector register, but is not said to name one:");
    vector_marks += vector_changed;
  } else if (outcome != Outcome::fetched && signal != SIGILL) {
    complain("shorter than the decoder says:");
  }
  // An undefined instruction is one whatever its length: nothing after it runs.
  shortened = !shortened && outcome == Outcome::faulted && signal != SIGILL;
  if (!shortened) ++current;
  if (current < shots->size()) return load(context);
  greg_t* regs = context->uc_mcontext.gregs;
  std::memcpy(regs, home.uc_mcontext.gregs, sizeof(home.uc_mcontext.gregs));
}

class CpuLength : public testing::Test {
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

  // Adds the instruction at the start of `bytes` to the shots, if the verifier accepts it.
  void consider(const Code& bytes) {
    ZydisDecodedInstruction instruction;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder_, bytes.data(), bytes.size(), &instruction, operands))) return;
    std::fill_n(object_.begin() + static_cast<ptrdiff_t>(slot_), 32, std::byte{0x90});
    std::memcpy(object_.data() + slot_, bytes.data(), instruction.length);
    ++tried_;
    const Result result = verify(object_, options_);
    if (!result.image) return;
    Shot shot{Code(bytes.begin(), bytes.begin() + instruction.length), instruction.length, instruction.length, false};
    if (instruction.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE) shot.target += operands[0].imm.value.u;
    shot.repeats = instruction.meta.category == ZYDIS_CATEGORY_STRINGOP;
    shot.floating = result.image->uses_float;
    shot.vectors = result.image->uses_vectors;
    shots_.push_back(std::move(shot));
  }

  void fire(bool report = true) {
    void* memory = mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    code_page = static_cast<uint8_t*>(memory);
    ASSERT_EQ(mprotect(code_page + page, page, PROT_NONE), 0);
    std::memset(code_page, 0xcc, page);
    void* scratch =
        mmap(reinterpret_cast<void*>(scratch_address),  // NOLINT(performance-no-int-to-ptr)
             scratch_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    ASSERT_EQ(reinterpret_cast<uint64_t>(scratch), scratch_address);
    std::fill_n(static_cast<uint64_t*>(scratch), scratch_size / sizeof(odd_number), odd_number);
    std::vector<uint8_t> stack(256 << 10);
    stack_t alternate{.ss_sp = stack.data(), .ss_flags = 0, .ss_size = stack.size()};
    ASSERT_EQ(sigaltstack(&alternate, nullptr), 0);
    struct sigaction action = {}, before[5];
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    const int signals[] = {SIGTRAP, SIGSEGV, SIGILL, SIGFPE, SIGBUS};
    for (int i = 0; i < 5; ++i) sigaction(signals[i], &action, &before[i]);
    shots = &shots_;
    wrong = &wrong_;
    current = arrivals = float_marks = vector_marks = 0;
    start = 0;
    raise(SIGTRAP);
    for (int i = 0; i < 5; ++i) sigaction(signals[i], &before[i], nullptr);
    alternate.ss_flags = SS_DISABLE;
    sigaltstack(&alternate, nullptr);
    munmap(scratch, scratch_size);
    munmap(memory, 2 * page);
    EXPECT_EQ(current, shots_.size());
    if (!report) return;
    EXPECT_GT(arrivals, shots_.size() / 2);
    for (const std::string& text : wrong_) ADD_FAILURE() << text;
  }

  std::vector<std::byte> object_;
  size_t slot_ = 0;
  Options options_ = options_for(Variant::user);
  ZydisDecoder decoder_;
  std::vector<Shot> shots_;
  std::vector<std::string> wrong_;
  size_t tried_ = 0;
};

// The gun itself: what is taken to be too short or too long is noticed, with and without a fault.
TEST_F(CpuLength, NoticesAWrongLength) {
  shots_ = {
      {{0x48, 0x89}, 2, 2, false},                                      // mov needs another byte
      {{0x90, 0x90}, 2, 2, false},                                      // two instructions
      {{0x8b, 0x04, 0x25, 0x00, 0x00, 0x00, 0x70, 0x90}, 8, 8, false},  // a load that faults, and another
      {{0xeb, 0x02}, 2, 2, false},                                      // jmp .+4, said to go on
      {{0x89, 0xc0}, 2, 2, false},                                      // right
  };
  fire(false);
  EXPECT_EQ(wrong_.size(), 4u);
}

TEST_F(CpuLength, LegacyEncodings) {
  for_each_legacy_encoding([&](const Code& code) { consider(code); });
  EXPECT_GT(shots_.size(), 20000u) << "of " << tried_;
  fire();
  EXPECT_GT(float_marks, 500u);
  EXPECT_GT(vector_marks, 1000u);
}

TEST_F(CpuLength, VexEncodings) {
  for_each_vex_encoding({}, [&](const Code& code) { consider(code); });
  EXPECT_GT(shots_.size(), 5000u) << "of " << tried_;
  fire();
  EXPECT_GT(float_marks, 500u);
  EXPECT_GT(vector_marks, 1000u);
}

TEST_F(CpuLength, RandomBytes) {
  std::minstd_rand random(2024);
  for (int i = 0; i < 100000; ++i) {
    Code code(15);
    for (uint8_t& byte : code) byte = static_cast<uint8_t>(random() >> 8);
    consider(code);
  }
  EXPECT_GT(shots_.size(), 1000u) << "of " << tried_;
  fire();
}

}  // namespace
}  // namespace vbpf::verifier::test
