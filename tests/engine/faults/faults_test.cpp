// SPDX-License-Identifier: Apache-2.0
// Every kind of fault: its report, that the host is unharmed, and that the next call works.
#include <algorithm>
#include <array>
#include <cstring>

#include "../confined.h"

namespace vbpf::test {
namespace {

class FaultsTest : public ConfinedTest {
 protected:
  void SetUp() override { instance_ = make(VBPF_FAULTS_OBJECT, options()); }

  // The entry faults; afterwards the instance works.
  Fault fault_of(const char* entry, std::initializer_list<uint64_t> arguments = {}) {
    const Outcome outcome = call(*instance_, entry, arguments);
    EXPECT_TRUE(outcome.fault) << entry << " returned " << outcome.value;
    const Outcome next = call(*instance_, "fine", {41});
    EXPECT_FALSE(next.fault);
    EXPECT_EQ(next.value, 42u);
    return outcome.fault.value_or(Fault{});
  }
  uint64_t address_from(const char* entry) { return call(*instance_, entry).value; }
  uint64_t base() { return address_from("own_text") & ~(VBPF_REGION_SIZE - 1); }

  std::unique_ptr<Instance> instance_;
};

#define NEEDS_INSTANCE() \
  if (instance_ == nullptr) return

void expect_place(const Fault& fault, const std::string& symbol) {
  EXPECT_NE(fault.symbol.find(symbol), std::string::npos) << fault.symbol;
  EXPECT_NE(fault.line.find("guest.cpp:"), std::string::npos) << fault.line;
  EXPECT_NE(fault.registers.rip, 0u);
  EXPECT_NE(fault.registers.rsp, 0u);
}

TEST_P(FaultsTest, NullPointers) {
  NEEDS_INSTANCE();
  for (const uint64_t address : {0u, 8u, 4096u}) {
    const Fault fault = fault_of("read_at", {address});
    EXPECT_EQ(fault.kind, FaultKind::bad_address);
    EXPECT_EQ(fault.address, address);
    EXPECT_EQ(fault.address_is, "null page");
    expect_place(fault, "read_at");
  }
  EXPECT_EQ(fault_of("write_at", {0, 1}).kind, FaultKind::bad_address);
}

TEST_P(FaultsTest, WhatIsReadOnlyCannotBeWritten) {
  NEEDS_INSTANCE();
  const std::array<std::pair<uint64_t, const char*>, 5> places = {{
      {address_from("own_text"), "own text (read-only)"},
      {address_from("own_constant"), "own constants (read-only)"},
      {base() + VBPF_OFF_INFO, "the loader's constants (read-only)"},
      {base() + VBPF_OFF_THUNKS, "the loader's thunks (read-only)"},
      {base() + VBPF_OFF_TARGET_MAP, "the map of branch targets (read-only)"},
  }};
  for (const auto& [address, name] : places) {
    uint64_t before = 0, after = 0;
    EXPECT_TRUE(instance_->owns(address, sizeof(before)));
    std::memcpy(&before, reinterpret_cast<const void*>(address), sizeof(before));
    const Fault fault = fault_of("write_at", {address, ~before});
    EXPECT_EQ(fault.kind, FaultKind::bad_address);
    EXPECT_EQ(fault.address, address);
    EXPECT_EQ(fault.address_is, name);
    std::memcpy(&after, reinterpret_cast<const void*>(address), sizeof(after));
    EXPECT_EQ(before, after);
  }
}

TEST_P(FaultsTest, HostMemoryIsOutOfReach) {
  NEEDS_INSTANCE();
  if (GetParam() == Confinement::unconfined) GTEST_SKIP() << "nothing keeps it out";
  static uint64_t secret = 0x5ec2e75ec2e7;
  uint64_t local = 0x10ca1;
  auto heap = std::make_unique<uint64_t>(0x4ea9);
  for (uint64_t* const host : {&secret, &local, heap.get()}) {
    const uint64_t value = *host, address = reinterpret_cast<uint64_t>(host);
    const Outcome read = call(*instance_, "read_at", {address});
    // Under SFI the access lands in the extension's own region, which may be mapped there.
    if (!read.fault) EXPECT_NE(read.value, value);
    if (GetParam() == Confinement::pku) EXPECT_TRUE(read.fault);
    call(*instance_, "write_at", {address, ~value});
    EXPECT_EQ(*host, value);
  }
}

TEST_P(FaultsTest, AddressesThatAreNoneFault) {
  NEEDS_INSTANCE();
  // Cut to 32 bits these are in the region's last, never mapped, part.
  for (const uint64_t address : {0xffffffffffffff00ull, 0x8000ffffffff0000ull}) {
    const Fault fault = fault_of("read_at", {address});
    EXPECT_EQ(fault.kind, FaultKind::bad_address);
    EXPECT_FALSE(fault.address_is.empty());
  }
}

TEST_P(FaultsTest, StackOverflows) {
  NEEDS_INSTANCE();
  for (const char* entry : {"exhaust_stack", "one_large_frame"}) {
    const Fault fault = fault_of(entry);
    EXPECT_EQ(fault.kind, FaultKind::stack_overflow) << entry << " " << fault.address_is;
    EXPECT_EQ(fault.address_is, "guard page below the stack");
    EXPECT_NE(fault.line.find("guest.cpp:"), std::string::npos) << fault.line;
  }
}

TEST_P(FaultsTest, Arithmetic) {
  NEEDS_INSTANCE();
  expect_place(fault_of("divide_by_zero"), "divide_by_zero");
  EXPECT_EQ(fault_of("divide_by_zero").kind, FaultKind::divide_error);
  EXPECT_EQ(fault_of("divide_too_far").kind, FaultKind::divide_error);
}

TEST_P(FaultsTest, Traps) {
  NEEDS_INSTANCE();
  const Fault fault = fault_of("trap");
  EXPECT_EQ(fault.kind, FaultKind::undefined_instruction);
  EXPECT_EQ(fault.address, fault.registers.rip);
  expect_place(fault, "trap");
  EXPECT_EQ(fault_of("breakpoint").kind, FaultKind::undefined_instruction);
}

TEST_P(FaultsTest, GivingUp) {
  NEEDS_INSTANCE();
  EXPECT_EQ(fault_of("give_up").kind, FaultKind::abort);
  EXPECT_NE(fault_of("give_up").message.find("abort"), std::string::npos);
  expect_place(fault_of("give_up"), "give_up");
  EXPECT_EQ(fault_of("pure_virtual").kind, FaultKind::pure_virtual);
}

TEST_P(FaultsTest, HeapExhausted) {
  NEEDS_INSTANCE();
  LoadOptions small = options();
  small.heap_size = 8 << 20;
  instance_ = make(VBPF_FAULTS_OBJECT, small);
  NEEDS_INSTANCE();
  const Fault fault = fault_of("exhaust_heap");
  EXPECT_EQ(fault.kind, FaultKind::heap_exhausted);
  expect_place(fault, "exhaust_heap");
}

TEST_P(FaultsTest, BudgetsEndLoops) {
  NEEDS_INSTANCE();
  using std::chrono::steady_clock;
  for (const char* entry : {"loop", "loop_in_imports"}) {
    LoadOptions brief = options();
    brief.budget = std::chrono::milliseconds(50);
    instance_ = make(VBPF_FAULTS_OBJECT, brief);
    NEEDS_INSTANCE();
    const auto begin = steady_clock::now();
    const Fault fault = fault_of(entry);
    EXPECT_EQ(fault.kind, FaultKind::budget) << entry;
    EXPECT_GE(steady_clock::now() - begin, brief.budget);
    EXPECT_LE(steady_clock::now() - begin, std::chrono::seconds(20));
  }
}

TEST_P(FaultsTest, ImportsCheckWhatTheyAreGiven) {
  NEEDS_INSTANCE();
  const auto window = instance_->window(4096);
  ASSERT_TRUE(window);
  const auto own = reinterpret_cast<uint64_t>(window->data());
  static const char host[] = "the host's";
  const std::array<std::pair<uint64_t, uint64_t>, 6> bad = {{{reinterpret_cast<uint64_t>(host), sizeof(host)},
                                                             {0, 1},
                                                             {own + 4090, 7},
                                                             {own, ~uint64_t{0}},
                                                             {~uint64_t{0}, 2},
                                                             {own - 1, 2}}};
  for (const char* entry : {"log_at", "abort_at"}) {
    for (const auto& [address, length] : bad) {
      const Fault fault = fault_of(entry, {address, length});
      EXPECT_EQ(fault.kind, FaultKind::bad_import) << entry << " " << address << " " << length;
      EXPECT_EQ(fault.address, address);
    }
  }
  EXPECT_FALSE(call(*instance_, "log_at", {own, 4096}).fault);
  std::memcpy(window->data(), "why", 3);
  EXPECT_EQ(fault_of("abort_at", {own, 3}).message, "why");
}

TEST_P(FaultsTest, ConstructorsThatFaultAreErrors) {
  for (const auto& [object, kind] :
       {std::pair{VBPF_CONSTRUCTOR_OBJECT, "bad-address"}, {VBPF_LOOPING_OBJECT, "budget"}}) {
    LoadOptions brief = options();
    brief.init_budget = std::chrono::milliseconds(100);
    const Result<Extension> extension = Extension::open(object, brief);
    if (!extension && extension.error().kind == ErrorKind::machine) GTEST_SKIP() << extension.error().message;
    ASSERT_TRUE(extension) << extension.error().message;
    const auto instance = extension->instantiate();
    ASSERT_FALSE(instance);
    EXPECT_EQ(instance.error().kind, ErrorKind::refused);
    for (const char* part : {"global constructor", kind, "bad_constructor.cpp:"})
      EXPECT_NE(instance.error().message.find(part), std::string::npos) << instance.error().message;
  }
}

INSTANTIATE_TEST_SUITE_P(, FaultsTest, testing::Values(Confinement::sfi, Confinement::pku, Confinement::unconfined),
                         confinement_name);

}  // namespace
}  // namespace vbpf::test
