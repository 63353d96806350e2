// SPDX-License-Identifier: Apache-2.0
#include "signals.h"

#include <cpuid.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <mutex>

#include "gate.h"
#include "machine.h"
#include "thread.h"
#include "vbpf/abi.h"
#include "x86_64/offsets.h"

__thread vbpf::Call* vbpf_active_call __attribute__((tls_model("initial-exec"), visibility("hidden")));
__thread uint64_t vbpf_host_rsp __attribute__((tls_model("initial-exec"), visibility("hidden")));

namespace vbpf {
namespace {

constexpr std::array fault_signals = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};

// What the program had for each of fault_signals: when ours was put in front the first time, and the last time. Read by
// handlers: replaced whole, never freed.
std::array<std::atomic<const struct sigaction*>, fault_signals.size()> first, previous;
std::atomic<int> budget_signal{0};
std::atomic<BusErrorHook> bus_error_hook{nullptr};

size_t index_of(int number) {
  for (size_t i = 0; i < fault_signals.size(); ++i) {
    if (fault_signals[i] == number) return i;
  }
  return 0;
}

// The call whose extension was running when the signal came, if any.
Call* interrupted_call(const ucontext_t& context) {
  Call* call = vbpf_active_call;
  if (call == nullptr) return nullptr;
  const auto rip = static_cast<uint64_t>(context.uc_mcontext.gregs[REG_RIP]);
  return rip - call->domain->region_base < VBPF_REGION_SIZE ? call : nullptr;
}

Registers registers_of(const ucontext_t& context) {
  const auto& from = context.uc_mcontext.gregs;
  const auto get = [&](int index) { return static_cast<uint64_t>(from[index]); };
  return {get(REG_RAX), get(REG_RBX), get(REG_RCX), get(REG_RDX), get(REG_RSI), get(REG_RDI),
          get(REG_RBP), get(REG_RSP), get(REG_R8),  get(REG_R9),  get(REG_R10), get(REG_R11),
          get(REG_R12), get(REG_R13), get(REG_R14), get(REG_R15), get(REG_RIP), get(REG_EFL)};
}

// Makes the return from the handler go to the gate's fault exit instead of back into the extension.
void end_call(ucontext_t& context, Call& call) {
  auto& registers = context.uc_mcontext.gregs;
  const bool pku = (call.domain->flags & CALL_FLAG_PKU) != 0;
  registers[REG_RIP] = reinterpret_cast<greg_t>(pku ? &vbpf_gate_fault_pku : &vbpf_gate_fault);
  registers[REG_RAX] = pku ? call.host_pkru : 0;
  registers[REG_RCX] = registers[REG_RDX] = 0;
  registers[REG_RDI] = reinterpret_cast<greg_t>(&call);
  registers[REG_RSP] = static_cast<greg_t>(call.host_rsp);
  registers[REG_EFL] = 0x202;  // interrupts on, all else clear
}

void record(Call& call, FaultKind kind, uint64_t address, bool address_known, const ucontext_t& context) {
  call.fault = {kind, address, address_known, false, registers_of(context)};
}

// A host thread touched an instance's memory for the first time: its PKRU does not have the key open yet.
bool open_key(const siginfo_t& info, ucontext_t& context) {
  if (info.si_code != SEGV_PKUERR || !ProtectionKey::in_use(info.si_pkey)) return false;
  auto* area = reinterpret_cast<std::byte*>(context.uc_mcontext.fpregs);
  const auto* reserved = reinterpret_cast<const _fpx_sw_bytes*>(area + 464);
  unsigned size = 0, offset = 0, ecx = 0, edx = 0;
  constexpr unsigned pkru_component = 9;
  __cpuid_count(0xd, pkru_component, size, offset, ecx, edx);
  if (area == nullptr || reserved->magic1 != 0x46505853u /* FP_XSTATE_MAGIC1 */ || size < 4 ||
      offset + 4 > reserved->xstate_size)
    return false;
  uint64_t present = 0;
  uint32_t pkru = 0;
  std::memcpy(&present, area + 512, sizeof(present));
  if ((present & 1u << pkru_component) != 0) std::memcpy(&pkru, area + offset, sizeof(pkru));
  pkru &= ~(3u << (2 * info.si_pkey));
  present |= 1u << pkru_component;
  std::memcpy(area + offset, &pkru, sizeof(pkru));
  std::memcpy(area + 512, &present, sizeof(present));
  return true;
}

// The signal this thread is passing on: its context, and where the stack was when it came.
struct Passing {
  const void* context;
  uintptr_t frame;
};
__thread Passing passing __attribute__((tls_model("initial-exec")));

// A handler installed after ours may know ours as the one before, and call it. Then what was there before all of this
// is meant. The frame tells such a call from a new signal, after a handler that left by longjmp().
const struct sigaction& handler_before(size_t index, const void* context) {
  const auto frame = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  const bool came_back = passing.context == context && frame < passing.frame;
  if (!came_back) passing = {context, frame};
  return came_back ? *first[index].load() : *previous[index].load();
}

const struct sigaction default_action = {};

// As the kernel would have delivered it to the handler that was there before ours.
void chain(int number, siginfo_t* info, void* context) {
  const size_t index = index_of(number);
  const struct sigaction before = handler_before(index, context);
  if ((before.sa_flags & SA_RESETHAND) != 0) previous[index].store(&default_action);
  const bool sent = info->si_code <= 0;
  if ((before.sa_flags & SA_SIGINFO) == 0 && before.sa_handler == SIG_IGN && sent) return;
  if ((before.sa_flags & SA_SIGINFO) == 0 && (before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN)) {
    // A fault comes again when we return, and then has its default effect.
    struct sigaction normal{};
    normal.sa_handler = SIG_DFL;
    ::sigaction(number, &normal, nullptr);
    if (sent) ::syscall(SYS_tgkill, ::getpid(), ::gettid(), number);
    return;
  }
  sigset_t mask = static_cast<ucontext_t*>(context)->uc_sigmask;
  for (int i = 1; i < NSIG; ++i) {
    if (sigismember(&before.sa_mask, i) == 1) sigaddset(&mask, i);
  }
  if ((before.sa_flags & SA_NODEFER) == 0) sigaddset(&mask, number);
  ::pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  if ((before.sa_flags & SA_SIGINFO) != 0) {
    before.sa_sigaction(number, info, context);
  } else {
    before.sa_handler(number);
  }
  passing.context = nullptr;
}

void on_fault(int number, siginfo_t* info, void* raw) {
  const int saved_errno = errno;
  auto& context = *static_cast<ucontext_t*>(raw);
  Call* call = info->si_code > 0 ? interrupted_call(context) : nullptr;
  const BusErrorHook hook = bus_error_hook.load(std::memory_order_acquire);
  if (call == nullptr && number == SIGBUS && info->si_code == BUS_ADRERR && hook != nullptr && hook(*info, context)) {
    errno = saved_errno;
    return;
  }
  if (call == nullptr) {
    if (number != SIGSEGV || !open_key(*info, context)) chain(number, info, raw);
    errno = saved_errno;
    return;
  }
  FaultKind kind = FaultKind::bad_address;
  auto address = reinterpret_cast<uint64_t>(info->si_addr);
  if (number == SIGFPE) kind = FaultKind::divide_error;
  if (number == SIGILL || number == SIGTRAP) kind = FaultKind::undefined_instruction;
  if (number == SIGTRAP) --context.uc_mcontext.gregs[REG_RIP];  // int3 leaves it behind itself
  if (kind != FaultKind::bad_address) address = static_cast<uint64_t>(context.uc_mcontext.gregs[REG_RIP]);
  // A general protection fault says no address.
  record(*call, kind, address, kind != FaultKind::bad_address || info->si_code != SI_KERNEL, context);
  end_call(context, *call);
  errno = saved_errno;
}

void on_budget(int, siginfo_t* info, void* raw) {
  if (info->si_code != SI_QUEUE || info->si_pid != ::getpid()) return;
  auto& context = *static_cast<ucontext_t*>(raw);
  const auto sequence = reinterpret_cast<uint64_t>(info->si_value.sival_ptr);
  Call* active = vbpf_active_call;
  if (active == nullptr || current_thread->sequence.load(std::memory_order_relaxed) != sequence) return;  // it ended
  if (interrupted_call(context) != active) {
    active->over_budget = 1;  // in an import, which will look; or in the gate: the watchdog asks again
    return;
  }
  record(*active, FaultKind::budget, static_cast<uint64_t>(context.uc_mcontext.gregs[REG_RIP]), true, context);
  end_call(context, *active);
}

Result<void> install(int number, void (*handler)(int, siginfo_t*, void*), struct sigaction& old) {
  struct sigaction action{};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigfillset(&action.sa_mask);
  if (number == SIGBUS) {  // the hook for these may call extensions
    keep_signals_unblocked(action.sa_mask);
    action.sa_flags |= SA_NODEFER;
  }
  if (::sigaction(number, &action, &old) == 0) return {};
  return Error{ErrorKind::machine,
               std::string("cannot handle signal ") + std::to_string(number) + ": " + std::strerror(errno)};
}

Result<void> install_fault_handler(size_t index) {
  struct sigaction now{};
  ::sigaction(fault_signals[index], nullptr, &now);
  if ((now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_fault) return {};
  // A few bytes that are never freed: some thread may be in the handler, with the old address.
  auto* kept = new struct sigaction(now);  // NOLINT(cppcoreguidelines-owning-memory)
  if (first[index].load() == nullptr) first[index].store(kept);
  previous[index].store(kept);
  struct sigaction old{};
  return install(fault_signals[index], on_fault, old);
}

Result<void> install_budget_handler() {
  if (budget_signal.load() != 0) return {};
  for (int number = SIGRTMAX - 1; number > SIGRTMIN; --number) {
    struct sigaction now{};
    ::sigaction(number, nullptr, &now);
    if ((now.sa_flags & SA_SIGINFO) != 0 || now.sa_handler != SIG_DFL) continue;
    VBPF_CHECK(install(number, on_budget, now));
    budget_signal.store(number);
    return {};
  }
  return Error{ErrorKind::machine, "no real-time signal is free for the watchdog"};
}

// A handler without SA_ONSTACK would run on the extension's stack: under PKU it cannot, and else it would leave host
// data there.
void put_handlers_on_alternate_stack() {
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction now{};
    if (::sigaction(number, nullptr, &now) != 0 || (now.sa_flags & SA_ONSTACK) != 0) continue;
    if ((now.sa_flags & SA_SIGINFO) == 0 && (now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN)) continue;
    now.sa_flags |= SA_ONSTACK;
    ::sigaction(number, &now, nullptr);
  }
}

}  // namespace

Result<void> install_signals() {
  static std::mutex mutex;
  const std::scoped_lock lock(mutex);
  VBPF_CHECK(install_budget_handler());
  for (size_t i = 0; i < fault_signals.size(); ++i) VBPF_CHECK(install_fault_handler(i));
  put_handlers_on_alternate_stack();
  return {};
}

void unblock_signals() {
  sigset_t ours;
  sigemptyset(&ours);
  for (const int number : fault_signals) sigaddset(&ours, number);
  sigaddset(&ours, budget_signal.load());
  ::pthread_sigmask(SIG_UNBLOCK, &ours, nullptr);
}

void keep_signals_unblocked(sigset_t& mask) {
  for (const int number : fault_signals) sigdelset(&mask, number);
  sigdelset(&mask, budget_signal.load());
}

void set_bus_error_hook(BusErrorHook hook) { bus_error_hook.store(hook, std::memory_order_release); }

bool send_budget_signal(pid_t tid, uint64_t sequence) {
  siginfo_t info{};
  info.si_signo = budget_signal.load();
  info.si_code = SI_QUEUE;
  info.si_pid = ::getpid();
  info.si_uid = ::getuid();
  info.si_value.sival_ptr = reinterpret_cast<void*>(sequence);  // NOLINT(performance-no-int-to-ptr)
  return ::syscall(SYS_rt_tgsigqueueinfo, ::getpid(), tid, info.si_signo, &info) == 0;
}

}  // namespace vbpf
