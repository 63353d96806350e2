// SPDX-License-Identifier: Apache-2.0
// The host is as it was before, whatever the extension does: registers, signals, threads, other instances.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include "../confined.h"

namespace vbpf::test {
namespace {

class HostTest : public ConfinedTest {
 protected:
  std::unique_ptr<Instance> guest(const LoadOptions& options) { return make(VBPF_HOST_OBJECT, options); }
  std::unique_ptr<Instance> guest() { return guest(options()); }

  // Runs in a child; its exit status, or 128 + the signal that ended it.
  static int in_child(const std::function<int()>& what) {
    const pid_t child = ::fork();
    if (child == 0) {
      const rlimit no_core{0, 0};
      ::setrlimit(RLIMIT_CORE, &no_core);
      ::_exit(what());
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
};

#define INSTANCE(name, ...)                           \
  const std::unique_ptr<Instance> name = __VA_ARGS__; \
  if (name == nullptr) return

TEST_P(HostTest, NothingOfTheHostIsInRegisters) {
  INSTANCE(instance, guest());
  for (int i = 0; i < 100; ++i) {
    // Something to be found.
    asm volatile("vpcmpeqd %%xmm7, %%xmm7, %%xmm7; vinsertf128 $1, %%xmm7, %%ymm7, %%ymm7" : : : "xmm7");
    EXPECT_EQ(call(*instance, "registers_at_entry").value, 0u);
    EXPECT_EQ(call(*instance, "vectors_at_entry").value, 0u);
    EXPECT_EQ(call(*instance, "registers_after_import").value, 0u);
    EXPECT_EQ(call(*instance, "import_keeps_registers").value, 31u);
  }
}

TEST_P(HostTest, CalleeSavedRegistersComeBack) {
  INSTANCE(instance, guest());
  struct Context {
    Instance* instance;
    uint64_t entry, value;
  } context{instance.get(), *instance->entry("trash_registers"), 0};
  void (*function)(Context*) = [](Context* c) { c->value = c->instance->call(c->entry, {}).value; };
  uint64_t sum = 0;
  asm volatile(
      "movq $1, %%rbx; movq $2, %%r12; movq $4, %%r13; movq $8, %%r14; movq $16, %%r15\n"
      "callq *%[function]\n"
      "leaq (%%rbx,%%r12), %%rax; addq %%r13, %%rax; addq %%r14, %%rax; addq %%r15, %%rax"
      : "=a"(sum)
      : [function] "a"(function), "D"(&context)
      : "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc", "memory", "xmm0",
        "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
        "xmm14", "xmm15");
  EXPECT_EQ(sum, 31u);
  EXPECT_EQ(context.value, 7u);
}

std::atomic<int> alarms, alarms_elsewhere;
std::atomic<uint64_t> stack_low, stack_high;

void on_alarm(int) {
  volatile char here[512];
  here[0] = 1;
  const auto at = reinterpret_cast<uint64_t>(&here);
  if (at < stack_low || at >= stack_high) ++alarms_elsewhere;
  ++alarms;
}

TEST_P(HostTest, SignalsOfTheHostRunOnTheirOwnStackAndLeaveNothing) {
  struct sigaction action{}, before{};
  action.sa_handler = on_alarm;  // without SA_ONSTACK
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGALRM, &action, &before);
  INSTANCE(instance, guest());
  stack_t stack{};
  ::sigaltstack(nullptr, &stack);
  stack_low = reinterpret_cast<uint64_t>(stack.ss_sp);
  stack_high = stack_low + stack.ss_size;
  alarms = alarms_elsewhere = 0;
  const itimerval timer{{0, 500}, {0, 500}}, off{};
  sigset_t mask_before, mask_after;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &mask_before);
  ::setitimer(ITIMER_REAL, &timer, nullptr);
  int in_extension = 0;
  for (int i = 0; i < 2000 && in_extension < 200; ++i) {
    const int seen = alarms;
    const Outcome outcome = call(*instance, "spin", {100000});
    EXPECT_FALSE(outcome.fault);
    EXPECT_EQ(outcome.value, 50000u);
    in_extension += alarms != seen;
  }
  ::setitimer(ITIMER_REAL, &off, nullptr);
  ::sigaction(SIGALRM, &before, nullptr);
  EXPECT_GE(in_extension, 20);
  // Outside an extension's call it may be on either; none ran on the extension's stack, which the next check shows.
  EXPECT_EQ(call(*instance, "foreign_addresses_on_stack", {64 << 10}).value, 0u);
  ::pthread_sigmask(SIG_BLOCK, nullptr, &mask_after);
  for (int i = 1; i < NSIG; ++i) EXPECT_EQ(sigismember(&mask_before, i), sigismember(&mask_after, i)) << i;
  EXPECT_EQ(alarms_elsewhere, 0);
}

TEST_P(HostTest, TheHostsOwnFaultsAreItsOwn) {
  // Without a handler it dies as it would have.
  EXPECT_EQ(128 + SIGSEGV, in_child([&] {
              const auto instance = guest();
              if (instance == nullptr) return 128 + SIGSEGV;
              *reinterpret_cast<volatile int*>(16) = 1;
              return 0;
            }));
  // With one, before or after the first load, knowing ours as the one before or not, it is called once, with the
  // address.
  static int called;
  static struct sigaction known;
  for (const bool early : {true, false}) {
    for (const bool passes_on : {true, false}) {
      static bool passing;
      passing = passes_on;
      const int status = in_child([&] {
        called = 0;
        struct sigaction action{};
        action.sa_flags = SA_SIGINFO;
        action.sa_sigaction = [](int number, siginfo_t* info, void* context) {
          if (info->si_addr != reinterpret_cast<void*>(16) || ++called > 1) ::_exit(90);
          if (!passing) ::_exit(40);
          if ((known.sa_flags & SA_SIGINFO) == 0) ::_exit(40);
          known.sa_sigaction(number, info, context);
        };
        if (early) ::sigaction(SIGSEGV, &action, &known);
        const auto one = guest();
        if (one == nullptr) return 40;
        if (!early) ::sigaction(SIGSEGV, &action, &known);
        const auto two = guest();
        *reinterpret_cast<volatile int*>(16) = 1;
        return 91;
      });
      // A handler that passes on to ours ends where there was none: in the default action.
      EXPECT_TRUE(status == 40 || (passes_on && status == 128 + SIGSEGV)) << early << passes_on << " " << status;
    }
  }
}

TEST_P(HostTest, ACallbackMayCallAnotherInstanceButNotTheSame) {
  std::unique_ptr<Instance> inner, outer;
  Outcome nested, again;
  LoadOptions calling = options();
  calling.log = [&](std::string_view) {
    nested = call(*inner, "spin", {1000});
    again = call(*outer, "spin", {1000});
  };
  inner = guest();
  if (inner == nullptr) return;
  outer = guest(calling);
  ASSERT_NE(outer, nullptr);
  const auto window = outer->window(4096);
  ASSERT_TRUE(window);
  const Outcome outcome = call(*outer, "say", {reinterpret_cast<uint64_t>(window->data()), 4});
  EXPECT_FALSE(outcome.fault);
  EXPECT_FALSE(nested.fault);
  EXPECT_EQ(nested.value, 500u);
  ASSERT_TRUE(again.fault);
  EXPECT_NE(again.fault->message.find("already running"), std::string::npos);
  EXPECT_EQ(call(*outer, "registers_at_entry").value, 0u);
}

TEST_P(HostTest, AForkedChildCanCall) {
  INSTANCE(instance, guest());
  EXPECT_EQ(call(*instance, "spin", {100}).value, 50u);
  EXPECT_EQ(0, in_child([&] {
              if (call(*instance, "spin", {100}).value != 50) return 1;
              const auto fresh = guest();
              return fresh != nullptr && call(*fresh, "spin", {100}).value == 50 ? 0 : 2;
            }));
  // The child's watchdog works.
  LoadOptions brief = options();
  brief.budget = std::chrono::milliseconds(20);
  EXPECT_EQ(0, in_child([&] {
              const auto fresh = guest(brief);
              const Outcome outcome = call(*fresh, "spin", {~uint64_t{0}});
              return outcome.fault && outcome.fault->kind == FaultKind::budget ? 0 : 1;
            }));
}

TEST_P(HostTest, TooLittleAddressSpaceIsAnError) {
  EXPECT_EQ(0, in_child([&] {
              const rlimit limit{2ull << 30, 2ull << 30};
              ::setrlimit(RLIMIT_AS, &limit);
              const Result<Extension> extension = Extension::open(VBPF_HOST_OBJECT, options());
              return !extension && extension.error().kind == ErrorKind::machine ? 0 : 1;
            }));
}

TEST_P(HostTest, ProtectionKeysRunOutAndComeBack) {
  if (GetParam() != Confinement::pku) GTEST_SKIP() << "takes no protection keys";
  std::vector<std::unique_ptr<Instance>> all;
  const Result<Extension> extension = Extension::open(VBPF_HOST_OBJECT, options());
  if (!extension) GTEST_SKIP() << extension.error().message;
  for (int i = 0; i < 16; ++i) {
    auto instance = extension->instantiate();
    if (!instance) {
      EXPECT_EQ(instance.error().kind, ErrorKind::machine);
      EXPECT_NE(instance.error().message.find("no protection key is left"), std::string::npos);
      break;
    }
    all.push_back(std::move(*instance));
  }
  EXPECT_GE(all.size(), 10u);
  EXPECT_LE(all.size(), 15u);
  // Each can only touch its own memory.
  const auto window = all[0]->window(4096);
  ASSERT_TRUE(window);
  std::memset(window->data(), 7, 4096);
  const auto address = reinterpret_cast<uint64_t>(window->data());
  EXPECT_FALSE(call(*all[0], "say", {address, 4}).fault);
  EXPECT_TRUE(call(*all[1], "say", {address, 4}).fault);
  all.pop_back();
  EXPECT_TRUE(extension->instantiate());
}

struct Batch {
  explicit Batch(Instance& instance, size_t count) : instance_(instance) {
    const auto window = instance.window(4096 + count * 64);
    slots = {reinterpret_cast<XdpSlot*>(window->data()), count};
    for (size_t i = 0; i < count; ++i) {
      slots[i] = {};
      slots[i].ctx.data = slots[i].ctx.data_meta = reinterpret_cast<uint8_t*>(window->data()) + count * 64 + i;
      slots[i].ctx.data_end = slots[i].ctx.data + 1;
      slots[i].verdict = 99;
    }
  }
  size_t run(const char* entry) { return instance_.call_xdp(*instance_.entry(entry, "xdp"), slots, fault); }

  Instance& instance_;
  std::span<XdpSlot> slots;
  std::optional<Fault> fault;
};

TEST_P(HostTest, BatchesStopAtAFaultAndGoOnBehindIt) {
  INSTANCE(instance, guest());
  Batch batch(*instance, 32);
  *batch.slots[10].ctx.data = 0xff;
  EXPECT_EQ(batch.run("fault_at"), 10u);
  ASSERT_TRUE(batch.fault);
  EXPECT_EQ(batch.slots[9].verdict, 1u);
  EXPECT_EQ(batch.slots[10].verdict, 0u);
  batch.slots = batch.slots.subspan(11);
  EXPECT_EQ(batch.run("fault_at"), 21u);
  EXPECT_FALSE(batch.fault);
}

TEST_P(HostTest, TheBatchTrampolineCannotBeConfused) {
  if (GetParam() == Confinement::unconfined) GTEST_SKIP() << "its writes would go anywhere";
  LoadOptions brief = options();
  brief.budget = std::chrono::milliseconds(20);
  INSTANCE(instance, guest(brief));
  for (const char* entry :
       {"slot_nowhere", "slot_back", "end_far", "entry_nowhere", "control_nowhere", "all_nowhere", "tricky"}) {
    call(*instance, "set_trick", {1});
    Batch batch(*instance, 8);
    const size_t done = batch.run(entry);
    EXPECT_LE(done, 8u) << entry;
    EXPECT_EQ(done < 8, batch.fault.has_value()) << entry;
    for (const XdpSlot& slot : batch.slots) EXPECT_NE(slot.verdict, 99u) << entry << ": one that is missed is aborted";
    EXPECT_EQ(call(*instance, "spin", {100}).value, 50u) << entry;
  }
}

TEST_P(HostTest, ClaimedProgressDoesNotKeepALoopAlive) {
  LoadOptions brief = options();
  brief.budget = std::chrono::milliseconds(20);
  INSTANCE(instance, guest(brief));
  Batch batch(*instance, 8);
  batch.run("claims_progress");
  ASSERT_TRUE(batch.fault);
  EXPECT_EQ(batch.fault->kind, FaultKind::budget);
}

TEST_P(HostTest, AThreadThatWritesOverAnothersStackGetsNowhere) {
  if (GetParam() == Confinement::unconfined) GTEST_SKIP() << "data that is written over may point anywhere";
  LoadOptions brief = options();
  brief.budget = std::chrono::milliseconds(500);
  const std::unique_ptr<Instance> instance = make(VBPF_SHARED_OBJECT, brief);
  if (instance == nullptr) return;
  std::atomic<bool> stop{false};
  std::string ended;
  std::thread attacker([&] {
    while (!stop) {
      const Outcome outcome = call(*instance, "attacker", {100000, reinterpret_cast<uint64_t>(&::abort)});
      if (outcome.fault) ended = std::string(to_string(outcome.fault->kind)) + " " + outcome.fault->message;
    }
  });
  int faults = 0, fine = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(4);
  while (std::chrono::steady_clock::now() < end) {
    const Outcome outcome = call(*instance, "victim", {2000});
    ++(outcome.fault ? faults : fine);
  }
  stop = true;
  attacker.join();
  EXPECT_GT(faults, 0) << "the attack did not work, " << fine << " calls were fine; the attacker: " << ended;
  EXPECT_FALSE(call(*instance, "victim", {10}).fault) << "the instance works again";
}

INSTANTIATE_TEST_SUITE_P(, HostTest, testing::Values(Confinement::sfi, Confinement::pku, Confinement::unconfined),
                         confinement_name);

}  // namespace
}  // namespace vbpf::test
