// SPDX-License-Identifier: Apache-2.0
// Attacks on the kernel by code that no verifier has seen: each must end in its report, and leave the kernel whole.
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <fstream>
#include <memory>
#include <thread>

#include "attacks.h"
#include "hook_program.h"
#include "raw_extension.h"

namespace vbpf::test {
namespace {

RawExtension make(RawOptions options = {}) {
  if (options.budget_ns == RawOptions{}.budget_ns) options.budget_ns *= 10;  // emulated CPUs may be away for long
  return {attack_code(), attack_entries(), options};
}

enum class Way {
  test_run,  // the device's own
  seat,      // by an eBPF program, in a run that the kernel keeps prepared because it is always the same entry
};

class Kernel : public ::testing::TestWithParam<Way> {
 protected:
  Kernel() : cpu_(0), extension_(make()), program_(extension_.id(), chosen) {}

  Ran run(Attack attack, std::vector<uint64_t> words = {}, uint32_t repeat = 1) {
    return GetParam() == Way::test_run ? extension_.run(attack, std::move(words), repeat)
                                       : run_in_seat(attack, std::move(words), repeat);
  }

  // Two calls that return, and the third is prepared.
  Ran run_in_seat(Attack attack, std::vector<uint64_t> words, uint32_t repeat) {
    words.resize(8);
    words[7] = nothing;
    program_.run(words, 2);
    words[7] = attack;
    const uint64_t faults = extension_.info().faults;
    Ran ran;
    ran.retval = program_.run(words, repeat, &ran.out);
    if (extension_.info().faults == faults) return ran;
    ran.error = ECANCELED;
    ran.out.clear();
    ran.fault.number = faults + 1;
    EXPECT_EQ(::ioctl(extension_.descriptor(), VBPF_EXT_FAULT, &ran.fault), 0);
    return ran;
  }

  // Then the extension still works.
  void expect_fault(Attack attack, const std::vector<uint64_t>& words, vbpf_fault_kind kind,
                    std::optional<uint64_t> address = {}) {
    const Ran ran = run(attack, words);
    EXPECT_EQ(ran.error, ECANCELED) << "retval " << ran.retval;
    if (ran.error == ECANCELED) {
      EXPECT_EQ(ran.fault.kind, kind) << std::hex << "address " << ran.fault.address << ", vector " << ran.fault.vector
                                      << ", error code " << ran.fault.error_code << ", rip " << ran.fault.registers[16];
      if (address) EXPECT_EQ(ran.fault.address, *address);
      EXPECT_EQ(ran.fault.entry, GetParam() == Way::seat ? chosen : attack);
    }
    const Ran after = run(nothing);
    EXPECT_EQ(after.error, 0);
    EXPECT_EQ(after.retval, 2u);
    last_ = ran.fault;
  }

  // What it made of its context counts for nothing.
  static void expect_refused(const Ran& ran) {
    EXPECT_EQ(ran.error, 0);
    if (GetParam() == Way::test_run) {
      EXPECT_TRUE(ran.out.empty());
    } else {
      EXPECT_EQ(ran.retval, 0u);  // XDP_ABORTED, and the packet is as it was
      EXPECT_EQ(ran.out.size(), 64u);
    }
  }

  uint64_t base() const { return extension_.base(0); }
  // Any fault says where the slot's stack is.
  uint64_t stack_top() {
    const Ran ran = run(undefined);
    return ran.fault.stack_top;
  }

  OnCpu cpu_;
  RawExtension extension_;
  HookProgram program_;
  vbpf_fault last_{};
};

TEST_P(Kernel, RunsWhatMayRun) {
  EXPECT_EQ(run(nothing).retval, 2u);
  EXPECT_EQ(run(echo, {77}).retval, 77u);
  const Ran own = run(own_memory, {1});
  EXPECT_EQ(own.error, 0);
  EXPECT_EQ(own.retval, 5u);
  ASSERT_GE(own.out.size(), 8u);
  EXPECT_EQ(own.out[0], 5);
  EXPECT_EQ(run(read_own_text).error, 0);
  EXPECT_EQ(run(calls).retval, 7u);
  EXPECT_EQ(run(ask_for_time).error, 0);
  EXPECT_EQ(run(leave_deep).retval, 9u);
}

TEST_P(Kernel, MemoryLastsFromRunToRun) {
  EXPECT_EQ(run(count, {}, 10).retval, 10u);
  EXPECT_EQ(run(count).retval, 11u);
}

// Interrupts come all the time in there, and go through the gate and back.
TEST_P(Kernel, InterruptsDoNotChangeRegisters) {
  for (int i = 0; i < 50; ++i) {
    const Ran ran = run(keeps_registers, {1'000'000});
    ASSERT_EQ(ran.error, 0);
    ASSERT_EQ(ran.retval, 0u);
  }
}

TEST_P(Kernel, KernelMemoryCannotBeTouched) {
  for (const char* symbol : {"_text", "jiffies_64", "sys_call_table", "init_task", "idt_table", "cpu_tss_rw"}) {
    SCOPED_TRACE(symbol);
    uint64_t address = 0;
    try {
      address = kernel_symbol(symbol);
    } catch (const std::runtime_error&) {
      continue;  // not in every configuration
    }
    expect_fault(read, {address}, VBPF_FAULT_BAD_ADDRESS);
    expect_fault(write, {address}, VBPF_FAULT_BAD_ADDRESS);
  }
  EXPECT_NE(kernel_symbol("_text"), 0u);
  expect_fault(read_per_cpu, {}, VBPF_FAULT_BAD_ADDRESS);
}

TEST_P(Kernel, PointersToNothingFault) {
  expect_fault(read, {0}, VBPF_FAULT_BAD_ADDRESS, 0);
  expect_fault(read, {base() + 8}, VBPF_FAULT_BAD_ADDRESS, base() + 8);
  expect_fault(non_canonical, {}, VBPF_FAULT_BAD_ADDRESS);
  expect_fault(read, {0xffffffffffffff00}, VBPF_FAULT_BAD_ADDRESS);
}

TEST_P(Kernel, UserMemoryCannotBeTouched) {
  alignas(8) static volatile uint64_t secret = 42;
  expect_fault(read, {reinterpret_cast<uint64_t>(&secret)}, VBPF_FAULT_BAD_ADDRESS);
  expect_fault(write, {reinterpret_cast<uint64_t>(&secret)}, VBPF_FAULT_BAD_ADDRESS);
  EXPECT_EQ(secret, 42u);
}

TEST_P(Kernel, OwnCodeCannotBeWritten) {
  expect_fault(write_offset, {0x100000}, VBPF_FAULT_BAD_ADDRESS, base() + 0x100000);
  expect_fault(write_offset, {0x11000}, VBPF_FAULT_BAD_ADDRESS);
  expect_fault(write_offset, {0x11f80}, VBPF_FAULT_BAD_ADDRESS);
  expect_fault(write_offset, {0x10000000}, VBPF_FAULT_BAD_ADDRESS);
  EXPECT_EQ(run(write_offset, {0x200000}).error, 0);
}

TEST_P(Kernel, HeapEndsWhereItEnds) {
  EXPECT_EQ(run(write_offset, {0x40000000}).error, 0);
  EXPECT_EQ(run(write_offset, {0x40000000 + (1 << 20) - 8}).error, 0);
  expect_fault(write_offset, {0x40000000 + (1 << 20)}, VBPF_FAULT_BAD_ADDRESS);
  expect_fault(write_offset, {0x40000000 - 8}, VBPF_FAULT_BAD_ADDRESS);
}

TEST_P(Kernel, OtherExtensionsCannotBeTouched) {
  RawOptions options;
  options.name = "other";
  const RawExtension other = make(options);
  ASSERT_EQ(other.run(own_memory).error, 0);
  for (const uint64_t offset : {0x100000, 0x200000, 0x40002000}) {
    expect_fault(read, {other.base(0) + offset}, VBPF_FAULT_BAD_ADDRESS);
    expect_fault(write, {other.base(0) + offset}, VBPF_FAULT_BAD_ADDRESS);
  }
  EXPECT_EQ(other.run(nothing).error, 0);
}

TEST_P(Kernel, OtherStacksCannotBeTouched) {
  constexpr int64_t stride = 0x20000;
  // A run has one slot; all others are closed. The first and last neighbours are guards.
  for (const int64_t distance : {-2, -1, 1, 2, 3}) {
    SCOPED_TRACE(distance);
    const auto other = static_cast<uint64_t>(distance * stride - 64);
    EXPECT_EQ(run(read_relative_to_stack, {other}).error, ECANCELED);
    EXPECT_EQ(run(write_relative_to_stack, {other}).error, ECANCELED);
    EXPECT_EQ(run(push_relative_to_stack, {other}).error, ECANCELED);
  }
  constexpr auto own = static_cast<uint64_t>(-64);
  for (const Attack attack : {read_relative_to_stack, write_relative_to_stack, push_relative_to_stack})
    EXPECT_EQ(run(attack, {own}).error, 0);
}

TEST_P(Kernel, StacksEndInGuards) {
  expect_fault(recurse, {}, VBPF_FAULT_STACK_OVERFLOW);
  EXPECT_LT(last_.address, last_.stack_top - 0x10000);
  EXPECT_GE(last_.address, last_.stack_top - 0x20000);
  // Above its return address there is nothing.
  expect_fault(read_relative_to_stack, {8}, VBPF_FAULT_STACK_OVERFLOW);
  EXPECT_EQ(last_.address, last_.stack_top);
}

TEST_P(Kernel, StackPointersMayPointAnywhere) {
  const uint64_t text = kernel_symbol("_text");
  for (const uint64_t at : {uint64_t{0}, uint64_t{8}, uint64_t{0x8000000000000000}, text + 4096, base() + 0x100010,
                            base() + 0x11f88, uint64_t{0xffffffffffffffff}}) {
    SCOPED_TRACE(at);
    EXPECT_EQ(run(push_at, {at}).error, ECANCELED);
    EXPECT_EQ(run(return_at, {at}).error, ECANCELED);
    // Interrupted with such a stack pointer.
    expect_fault(loop_at, {at}, VBPF_FAULT_BUDGET);
  }
  // The heap can be a stack for all but returns, which others could write.
  ASSERT_EQ(run(push_at, {base() + 0x40000800}).error, ECANCELED);
  expect_fault(return_at, {base() + 0x40000800}, VBPF_FAULT_BAD_RETURN);
}

TEST_P(Kernel, ControlFlowStaysOnTargets) {
  const uint64_t text = kernel_symbol("_text");
  for (const uint64_t target :
       {uint64_t{0}, text, base() + 0x200000, base() + 0x11000, base() + 0x40000000, uint64_t{0x8000000000000000}}) {
    SCOPED_TRACE(target);
    expect_fault(call_indirect, {target}, VBPF_FAULT_BAD_CALL, target);
    expect_fault(jump_indirect, {target}, VBPF_FAULT_BAD_CALL, target);
    expect_fault(return_to, {target}, VBPF_FAULT_BAD_RETURN, target);
  }
}

// A mark for its own heap, where marks are looked for, which is in its own heap too.
TEST(Marks, OfItsOwnMakingLeadNowhere) {
  const OnCpu here(0);
  constexpr uint64_t marks = 0xff00000, target = 0x40100001;
  RawOptions options;
  options.name = "marks";
  options.heap_size = 1 << 30;
  const RawExtension forger = make(options);
  // What is written is the address, whose lowest byte is the mark of a place to return to.
  EXPECT_EQ(forger.run(write_offset, {target}).error, 0);
  EXPECT_EQ(forger.run(write_offset, {target + marks}).error, 0);
  const Ran ran = forger.run(return_to, {forger.base(0) + target});
  EXPECT_EQ(ran.error, ECANCELED);
  EXPECT_EQ(ran.fault.kind, VBPF_FAULT_BAD_ADDRESS);
  EXPECT_EQ(ran.fault.address, forger.base(0) + target);
  EXPECT_EQ(ran.fault.registers[16], forger.base(0) + target);  // it got there, where nothing can be run
  EXPECT_EQ(forger.run(call_indirect, {forger.base(0) + target}).fault.kind, VBPF_FAULT_BAD_CALL);
}

// Not even with a jump that the verifier forbids can data be run.
TEST_P(Kernel, DataCannotBeRun) {
  expect_fault(jump_raw, {base() + 0x200000}, VBPF_FAULT_BAD_ADDRESS, base() + 0x200000);
  expect_fault(jump_raw, {base() + 0x40000000}, VBPF_FAULT_BAD_ADDRESS, base() + 0x40000000);
  expect_fault(jump_raw, {stack_top() - 64}, VBPF_FAULT_STACK_OVERFLOW);
  void* user = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(user, MAP_FAILED);
  *static_cast<volatile uint8_t*>(user) = 0xc3;
  expect_fault(jump_raw, {reinterpret_cast<uint64_t>(user)}, VBPF_FAULT_BAD_ADDRESS);
  ::munmap(user, 4096);
}

TEST_P(Kernel, ExceptionsEndTheInvocation) {
  expect_fault(divide_by_zero, {}, VBPF_FAULT_DIVIDE_ERROR);
  expect_fault(undefined, {}, VBPF_FAULT_UNDEFINED_INSTRUCTION);
  expect_fault(breakpoint, {}, VBPF_FAULT_UNDEFINED_INSTRUCTION);
  // Flags are sanitised: an interrupt right after the trap flag was set clears it, and the attack returns.
  Ran stepped = run(single_step);
  for (int attempt = 0; attempt < 10 && stepped.error == 0; ++attempt) stepped = run(single_step);
  EXPECT_EQ(stepped.error, ECANCELED);
  EXPECT_EQ(stepped.fault.kind, VBPF_FAULT_EXCEPTION);
  EXPECT_EQ(stepped.fault.vector, 1u);
  EXPECT_EQ(run(nothing).error, 0);
}

// SMAP is not to be had by setting AC.
TEST_P(Kernel, AlignmentFlagDoesNotOutliveAnEvent) {
  static const uint64_t value = 7;
  const Ran ran = run(alignment_check, {reinterpret_cast<uint64_t>(&value)});
  // popf is the verifier's to forbid: here it only matters that the kernel runs on with AC clear.
  EXPECT_TRUE(ran.error == 0 || ran.error == ECANCELED);
  EXPECT_EQ(run(nothing).error, 0);
}

TEST_P(Kernel, EndlessLoopsEnd) {
  expect_fault(loop_forever, {}, VBPF_FAULT_BUDGET);
  const uint64_t number = last_.number;
  expect_fault(loop_forever, {}, VBPF_FAULT_BUDGET);
  EXPECT_EQ(last_.number, number + 1);
}

TEST_P(Kernel, PreciseBudgetsEndToo) {
  RawOptions options;
  options.name = "precise";
  options.flags = VBPF_PRECISE;
  options.budget_ns = 1'000'000;
  const RawExtension precise = make(options);
  const Ran ran = precise.run(loop_forever);
  EXPECT_EQ(ran.error, ECANCELED);
  EXPECT_EQ(ran.fault.kind, VBPF_FAULT_BUDGET);
  // The budget is time of the clock: an emulated CPU that is away for a millisecond has used it up.
  Ran after;
  for (int attempt = 0; attempt < 100; ++attempt) {
    after = precise.run(nothing);
    if (after.error == 0 || after.fault.kind != VBPF_FAULT_BUDGET) break;
  }
  EXPECT_EQ(after.error, 0);
}

TEST_P(Kernel, ImportsCheckWhatTheyAreGiven) {
  EXPECT_EQ(run(log_packet, {0x6f6c6c6568}).error, 0);
  const uint64_t text = kernel_symbol("_text");
  expect_fault(log, {text, 8}, VBPF_FAULT_BAD_IMPORT, text);
  expect_fault(log, {0, 8}, VBPF_FAULT_BAD_IMPORT, 0);
  expect_fault(log, {base() + 0x200000, uint64_t{1} << 63}, VBPF_FAULT_BAD_IMPORT);
  expect_fault(log, {base() + 0x300000, 8}, VBPF_FAULT_BAD_IMPORT);  // its own, but nothing there
  expect_fault(abort_with, {text}, VBPF_FAULT_BAD_IMPORT, text);
  expect_fault(unknown_import, {}, VBPF_FAULT_BAD_IMPORT);
  expect_fault(abort, {0x65747962}, VBPF_FAULT_ABORT);
  EXPECT_EQ(std::string(last_.message, 4), "byte");
  // What an import does with the stack is the extension's own trouble.
  EXPECT_EQ(run(import_with_stack_at, {text}).error, ECANCELED);
  EXPECT_EQ(run(import_with_stack_at, {0}).error, ECANCELED);
  EXPECT_EQ(run(nothing).error, 0);
}

TEST_P(Kernel, ContextIsNotBelieved) {
  const uint64_t window = base() + 0x80000000;
  const Ran cut = run(data_end_at, {window + 4096 + 256 + 20});
  EXPECT_EQ(cut.error, 0);
  EXPECT_EQ(cut.out.size(), 20u);
  for (const uint64_t end : {uint64_t{0}, window, kernel_symbol("_text"), window + 0x10000, ~uint64_t{0}}) {
    expect_refused(run(data_end_at, {end}));
  }
  expect_refused(run(data_at, {kernel_symbol("_text")}));
}

INSTANTIATE_TEST_SUITE_P(Called, Kernel, ::testing::Values(Way::test_run, Way::seat),
                         [](const auto& info) { return info.param == Way::seat ? "InASeat" : "ByATestRun"; });

// Every CPU at once, with other extensions beside: as many runs as there are, none in another's way.
TEST(Kernels, ManyRunAtOnce) {
  const auto cpus = static_cast<int>(std::thread::hardware_concurrency());
  std::vector<std::unique_ptr<RawExtension>> extensions;
  for (int i = 0; i < 4; ++i) {
    RawOptions options;
    options.name = "many" + std::to_string(i);
    options.budget_ns = 500'000'000;  // emulated CPUs may be away for long
    extensions.push_back(std::make_unique<RawExtension>(attack_code(), attack_entries(), options));
  }
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int cpu = 0; cpu < cpus; ++cpu) {
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([&, cpu, t] {
        const OnCpu here(cpu);
        for (uint64_t i = 0; i < 300; ++i) {
          const RawExtension& extension = *extensions[(i + t) % extensions.size()];
          const Ran ran = extension.run(loop_a_while, {i * 100 + 1});
          if (ran.error != 0 || ran.retval != i * 100 + 1) ++wrong;
          if (extension.run(read, {0}).error != ECANCELED) ++wrong;
        }
      });
    }
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace vbpf::test
