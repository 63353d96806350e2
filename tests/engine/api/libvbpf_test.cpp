// SPDX-License-Identifier: Apache-2.0
// The C API: every function, what it gives back, and what it says when it cannot.
#include "vbpf/libvbpf.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "guest.h"

namespace {

struct Free {
  void operator()(vbpf_error* error) const { vbpf_error_free(error); }
  void operator()(vbpf_fault* fault) const { vbpf_fault_free(fault); }
  void operator()(vbpf_extension* extension) const { vbpf_extension_close(extension); }
  void operator()(vbpf_instance* instance) const { vbpf_instance_destroy(instance); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

class LibVbpf : public testing::Test {
 protected:
  void SetUp() override {
    vbpf_options options = VBPF_OPTIONS_INIT;
    options.budget_ns = 50'000'000;
    options.log = [](void* data, const char* line, size_t length) {
      static_cast<std::string*>(data)->assign(line, length);
    };
    options.log_data = &logged;
    vbpf_error* error = nullptr;
    extension.reset(vbpf_extension_open(guest::per_cpu.c_str(), &options, &error));
    ASSERT_NE(extension, nullptr) << vbpf_error_get_message(error);
    instance.reset(vbpf_instance_create(extension.get(), &error));
    ASSERT_NE(instance, nullptr) << vbpf_error_get_message(error);
  }

  uint64_t entry(const char* name) const {
    uint64_t address = 0;
    EXPECT_EQ(vbpf_instance_entry(instance.get(), name, nullptr, &address, nullptr), 0) << name;
    return address;
  }

  Owned<vbpf_fault> fault_of(const char* name, uint64_t argument = 0) {
    vbpf_fault* fault = nullptr;
    EXPECT_EQ(vbpf_instance_call(instance.get(), entry(name), &argument, 1, nullptr, &fault), 1) << name;
    EXPECT_NE(fault, nullptr) << name;
    return Owned<vbpf_fault>(fault);
  }

  std::string logged;
  Owned<vbpf_extension> extension;
  Owned<vbpf_instance> instance;
};

TEST_F(LibVbpf, DescribesAnExtension) {
  EXPECT_STREQ(vbpf_extension_name(extension.get()), "guest_per_cpu");
  const int confinement = vbpf_extension_confinement(extension.get());
  EXPECT_TRUE(confinement == VBPF_CONFINE_PKU || confinement == VBPF_CONFINE_SFI) << confinement;
  EXPECT_STRNE(vbpf_extension_confinement_reason(extension.get()), "");
  EXPECT_EQ(vbpf_extension_concurrency(extension.get()), VBPF_CONCURRENCY_PER_CPU);
  EXPECT_EQ(vbpf_extension_stack_size(extension.get()), VBPF_STACK_SIZE_DEFAULT);
  EXPECT_EQ(vbpf_extension_heap_size(extension.get()), VBPF_HEAP_SIZE_DEFAULT);
  EXPECT_EQ(vbpf_extension_budget_ns(extension.get()), 50'000'000u);
  const size_t count = vbpf_extension_entry_count(extension.get());
  bool found = false;
  for (size_t i = 0; i < count; ++i) {
    found |= std::string(vbpf_extension_entry_name(extension.get(), i)) == "third_crashes" &&
             std::string(vbpf_extension_entry_hook(extension.get(), i)) == "xdp";
  }
  EXPECT_TRUE(found);
  EXPECT_EQ(vbpf_extension_entry_name(extension.get(), count), nullptr);
  EXPECT_EQ(vbpf_extension_entry_hook(extension.get(), count), nullptr);
  EXPECT_STREQ(vbpf_version(), VBPF_EXPECTED_VERSION);
}

TEST_F(LibVbpf, CallsWithArgumentsAndAWindow) {
  const uint64_t arguments[] = {1, 2, 3, 4, 5, 6};
  uint64_t value = 0;
  EXPECT_EQ(vbpf_instance_call(instance.get(), entry("sum"), arguments, 6, &value, nullptr), 0);
  EXPECT_EQ(value, 91u);
  auto* window = static_cast<uint8_t*>(vbpf_instance_window(instance.get(), 100, -1, nullptr));
  ASSERT_NE(window, nullptr);
  std::memset(window, 3, 100);
  const uint64_t text[] = {reinterpret_cast<uint64_t>(window), 100};
  EXPECT_EQ(vbpf_instance_call(instance.get(), entry("checksum"), text, 2, &value, nullptr), 0);
  EXPECT_EQ(value, 300u);
  EXPECT_EQ(vbpf_instance_owns(instance.get(), text[0], 100), 1);
  EXPECT_EQ(vbpf_instance_owns(instance.get(), reinterpret_cast<uint64_t>(&value), 1), 0);
  EXPECT_EQ(vbpf_instance_call(instance.get(), entry("count"), nullptr, 0, nullptr, nullptr), 0);
}

TEST_F(LibVbpf, InstancesOutliveTheExtension) {
  extension.reset();
  uint64_t value = 0;
  const uint64_t times = 4;
  EXPECT_EQ(vbpf_instance_call(instance.get(), entry("count"), &times, 1, &value, nullptr), 0);
  EXPECT_EQ(value, 4u);
}

TEST_F(LibVbpf, Logs) {
  const uint64_t number = 42;
  EXPECT_EQ(vbpf_instance_call(instance.get(), entry("say"), &number, 1, nullptr, nullptr), 0);
  EXPECT_EQ(logged, "number 42");
}

TEST_F(LibVbpf, DescribesFaults) {
  const auto fault = fault_of("dereference", 0x10);
  EXPECT_EQ(vbpf_fault_get_kind(fault.get()), VBPF_FAULT_BAD_ADDRESS);
  EXPECT_EQ(vbpf_fault_get_address(fault.get()) & 0xffffffff, 0x10u);
  EXPECT_STREQ(vbpf_fault_get_address_is(fault.get()), "null page");
  EXPECT_STREQ(vbpf_fault_get_message(fault.get()), "");
  EXPECT_STREQ(vbpf_fault_get_symbol(fault.get()), "dereference");
  EXPECT_LT(vbpf_fault_get_symbol_offset(fault.get()), 64u);
  EXPECT_EQ(std::string(vbpf_fault_get_line(fault.get())).substr(0, 10), "guest.cpp:");
  vbpf_registers registers{};
  registers.size = sizeof(registers);
  vbpf_fault_get_registers(fault.get(), &registers);
  EXPECT_EQ(registers.size, sizeof(registers));
  EXPECT_EQ(registers.rip, entry("dereference") + vbpf_fault_get_symbol_offset(fault.get()));
  EXPECT_NE(registers.rflags, 0u);

  // A program that was compiled when the structure was smaller.
  vbpf_registers older{};
  older.size = sizeof(size_t) + 2 * sizeof(uint64_t);
  older.rcx = 0x1234;
  vbpf_fault_get_registers(fault.get(), &older);
  EXPECT_EQ(older.rbx, registers.rbx);
  EXPECT_EQ(older.rcx, 0x1234u);
}

TEST_F(LibVbpf, NamesTheKindsOfFaults) {
  const auto kind_of = [&](const char* name) { return vbpf_fault_get_kind(fault_of(name).get()); };
  EXPECT_EQ(kind_of("divide"), VBPF_FAULT_DIVIDE_ERROR);
  EXPECT_EQ(kind_of("overflow"), VBPF_FAULT_STACK_OVERFLOW);
  EXPECT_EQ(kind_of("trap"), VBPF_FAULT_UNDEFINED_INSTRUCTION);
  EXPECT_EQ(kind_of("give_up"), VBPF_FAULT_ABORT);
  EXPECT_EQ(kind_of("spin"), VBPF_FAULT_BUDGET);
  EXPECT_STREQ(vbpf_fault_kind_name(VBPF_FAULT_BUDGET), "budget");
  EXPECT_STREQ(vbpf_fault_kind_name(0), "unknown");
  for (int kind = VBPF_FAULT_BAD_ADDRESS; kind <= VBPF_FAULT_BAD_IMPORT; ++kind) {
    EXPECT_STRNE(vbpf_fault_kind_name(kind), "unknown") << kind;
  }
  uint64_t value = 0;
  EXPECT_EQ(vbpf_instance_call(instance.get(), entry("count"), nullptr, 0, &value, nullptr), 0);  // and goes on
}

TEST_F(LibVbpf, RunsBatchesOfPackets) {
  auto* slots =
      static_cast<vbpf_xdp_slot*>(vbpf_instance_window(instance.get(), 5 * sizeof(vbpf_xdp_slot), -1, nullptr));
  ASSERT_NE(slots, nullptr);
  for (uint32_t i = 0; i < 5; ++i) slots[i].ctx.rx_queue_index = i;
  const uint64_t xdp = entry("third_crashes");
  vbpf_fault* fault = nullptr;
  EXPECT_EQ(vbpf_instance_call_xdp(instance.get(), xdp, slots, 5, &fault), 2u);
  ASSERT_NE(fault, nullptr);
  EXPECT_EQ(vbpf_fault_get_kind(fault), VBPF_FAULT_BAD_ADDRESS);
  vbpf_fault_free(fault);
  fault = nullptr;
  EXPECT_EQ(slots[1].verdict, 1u);
  EXPECT_EQ(slots[2].verdict, 0u);
  EXPECT_EQ(vbpf_instance_call_xdp(instance.get(), xdp, slots + 3, 2, &fault), 2u);
  EXPECT_EQ(fault, nullptr);
  EXPECT_EQ(slots[3].verdict, 3u);
  EXPECT_EQ(slots[4].verdict, 4u);
}

TEST_F(LibVbpf, HostsThatCallWronglyGetAFault) {
  vbpf_fault* fault = nullptr;
  const uint64_t many[7] = {};
  EXPECT_EQ(vbpf_instance_call(instance.get(), entry("sum"), many, 7, nullptr, &fault), 1);
  ASSERT_NE(fault, nullptr);
  EXPECT_EQ(vbpf_fault_get_kind(fault), VBPF_FAULT_BAD_CALL);
  EXPECT_STRNE(vbpf_fault_get_message(fault), "");
  vbpf_fault_free(fault);
  EXPECT_EQ(vbpf_instance_call(instance.get(), 1, nullptr, 0, nullptr, nullptr), 1);
}

TEST_F(LibVbpf, SaysWhyNot) {
  vbpf_error* error = nullptr;
  EXPECT_EQ(vbpf_extension_open("/nonexistent.o", nullptr, &error), nullptr);
  ASSERT_NE(error, nullptr);
  EXPECT_EQ(vbpf_error_get_kind(error), VBPF_ERROR_BAD_INPUT);
  EXPECT_NE(std::string(vbpf_error_get_message(error)).find("/nonexistent.o"), std::string::npos);
  vbpf_error_free(error);
  error = nullptr;
  uint64_t address = 0;
  EXPECT_EQ(vbpf_instance_entry(instance.get(), "sum", "xdp", &address, &error), -1);
  ASSERT_NE(error, nullptr);
  vbpf_error_free(error);
  error = nullptr;
  EXPECT_EQ(vbpf_instance_window(instance.get(), 0, -1, &error), nullptr);
  ASSERT_NE(error, nullptr);
  vbpf_error_free(error);
  // Nobody has to ask why.
  EXPECT_EQ(vbpf_extension_open("/nonexistent.o", nullptr, nullptr), nullptr);
  EXPECT_EQ(vbpf_instance_entry(instance.get(), "nothing", nullptr, &address, nullptr), -1);
  vbpf_error_free(nullptr);
  vbpf_fault_free(nullptr);
  vbpf_extension_close(nullptr);
  vbpf_instance_destroy(nullptr);
}

int kind_of_options(const vbpf_options& options) {
  const auto object = guest::read(guest::per_cpu);
  vbpf_error* error = nullptr;
  const Owned<vbpf_extension> opened(
      vbpf_extension_open_memory(object.data(), object.size(), "memory", &options, &error));
  const Owned<vbpf_error> owned(error);
  return opened ? 0 : vbpf_error_get_kind(error);
}

TEST(LibVbpfOptions, OfOtherVersions) {
  vbpf_options options = VBPF_OPTIONS_INIT;
  EXPECT_EQ(kind_of_options(options), 0);
  options.size = 0;
  EXPECT_EQ(kind_of_options(options), VBPF_ERROR_BAD_INPUT);
  options.size = sizeof(options) - 1;
  EXPECT_EQ(kind_of_options(options), VBPF_ERROR_BAD_INPUT);

  // A newer program may have more fields, as long as it asks for nothing in them.
  struct Newer {
    vbpf_options known;
    uint64_t more;
  } newer{VBPF_OPTIONS_INIT, 0};
  newer.known.size = sizeof(newer);
  EXPECT_EQ(kind_of_options(newer.known), 0);
  newer.more = 1;
  EXPECT_EQ(kind_of_options(newer.known), VBPF_ERROR_BAD_INPUT);
}

TEST(LibVbpfOptions, AreChecked) {
  vbpf_options options = VBPF_OPTIONS_INIT;
  options.confinement = 17;
  EXPECT_EQ(kind_of_options(options), VBPF_ERROR_BAD_INPUT);
  options = vbpf_options VBPF_OPTIONS_INIT;
  options.reserved = 1;
  EXPECT_EQ(kind_of_options(options), VBPF_ERROR_BAD_INPUT);
  options = vbpf_options VBPF_OPTIONS_INIT;
  options.stack_size = 1;
  EXPECT_EQ(kind_of_options(options), VBPF_ERROR_BAD_INPUT);
  options = vbpf_options VBPF_OPTIONS_INIT;
  options.confinement = VBPF_CONFINE_SFI;
  options.stack_size = 128 << 10;
  options.heap_size = 1 << 20;
  EXPECT_EQ(kind_of_options(options), 0);
  EXPECT_EQ(kind_of_options({}), VBPF_ERROR_BAD_INPUT);
}

}  // namespace
