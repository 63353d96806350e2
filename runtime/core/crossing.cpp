// SPDX-License-Identifier: Apache-2.0
// The way through the gate and back: everything between Instance::call() and vbpf_gate_enter(). What every call does is
// in functions the compiler inlines into one; what few calls do is [[gnu::cold]].
#include <algorithm>
#include <bit>

#include "state.h"
#include "thread.h"
#include "vbpf/abi.h"
#include "watchdog.h"
#include "x86_64/offsets.h"

namespace vbpf {

namespace {

// Null, with the reason in `fault`, when this machine does not let the thread enter extensions.
[[gnu::cold, gnu::noinline]] ThreadState* attach(bool pku, std::optional<Fault>& fault) {
  Result<ThreadState*> attached = attach_thread(pku);
  if (attached) return *attached;
  fault = misuse(attached.error().message);
  return nullptr;
}

[[gnu::always_inline]] inline ThreadState* this_thread(bool pku, std::optional<Fault>& fault) {
  ThreadState* thread = current_thread;
  if (thread == nullptr || (pku && !thread->left_rseq)) [[unlikely]]
    return attach(pku, fault);
  return thread;
}

// Whether this thread is in a call of the instance: then an import's callback wants to call it again.
[[gnu::always_inline]] inline bool is_inside(const Instance::State& state) {
  for (const Call* call = vbpf_active_call; call != nullptr; call = call->outer)
    if (call->domain->instance == &state) [[unlikely]]
      return true;
  return false;
}

[[gnu::cold, gnu::noinline]] bool already_inside(std::optional<Fault>& fault) {
  fault = misuse("the instance is already running on this thread; an import's callback cannot call it again");
  return false;
}

[[gnu::cold, gnu::noinline]] bool report(const Instance::State& state, const Call& call, std::optional<Fault>& fault) {
  const FaultKind kind = call.fault.kind;
  const bool said = kind == FaultKind::abort || kind == FaultKind::heap_exhausted || kind == FaultKind::pure_virtual;
  fault = describe(state, call.fault, {current_thread->message, said ? current_thread->message_size : 0});
  return false;
}

uint32_t* progress_of(uint64_t stack_top) {
  return reinterpret_cast<uint32_t*>(memory_at(stack_top - STACK_CONTROL_SIZE + CONTROL_PROGRESS));
}

}  // namespace

[[gnu::always_inline]] inline void Instance::State::enter(Call& call, ThreadState& thread, uint64_t stack_top,
                                                          uint64_t invocations) {
  call.outer = vbpf_active_call;
  call.stack_top = stack_top - STACK_CONTROL_SIZE;
  // What the host had open, and this instance's memory.
  if ((domain.flags & CALL_FLAG_PKU) != 0) call.host_pkru = read_pkru() & ~key.mask();
  call.over_budget = 0;
  set_gs_base(thread, domain.region_base);
  const bool batch = invocations > 1;
  if (batch) Watchdog::set_batch(thread, invocations, progress_of(stack_top));
  // In this order a budget signal never takes the outer call for this one.
  vbpf_active_call = &call;
  Watchdog::instance().begin(thread, *call.domain);
  vbpf_gate_enter(&call);
  Watchdog::end(thread);
  vbpf_active_call = call.outer;
  if (batch) Watchdog::set_batch(thread, 1, nullptr);
  if (call.status != STATUS_RETURNED) [[unlikely]]
    call.done = __atomic_load_n(progress_of(stack_top), __ATOMIC_RELAXED);
}

[[gnu::always_inline]] inline bool Instance::State::run(Call& call, uint64_t invocations, std::optional<Fault>& fault) {
  if (concurrency != VBPF_CONCURRENCY_PER_CPU) [[unlikely]] {
    return concurrency == VBPF_CONCURRENCY_SHARED ? run_shared(call, invocations, fault)
                                                  : run_serial(call, invocations, fault);
  }
  ThreadState* thread = this_thread((domain.flags & CALL_FLAG_PKU) != 0, fault);
  if (thread == nullptr) return false;
  if (is_inside(*this)) [[unlikely]]
    return already_inside(fault);
  enter(call, *thread, first_stack_top, invocations);
  return call.status == STATUS_RETURNED || report(*this, call, fault);
}

[[gnu::noinline]] bool Instance::State::run_serial(Call& call, uint64_t invocations, std::optional<Fault>& fault) {
  ThreadState* thread = this_thread((domain.flags & CALL_FLAG_PKU) != 0, fault);
  if (thread == nullptr) return false;
  if (is_inside(*this)) return already_inside(fault);
  {
    const std::scoped_lock lock(serial);
    enter(call, *thread, first_stack_top, invocations);
  }
  return call.status == STATUS_RETURNED || report(*this, call, fault);
}

[[gnu::noinline]] bool Instance::State::run_shared(Call& call, uint64_t invocations, std::optional<Fault>& fault) {
  ThreadState* thread = this_thread((domain.flags & CALL_FLAG_PKU) != 0, fault);
  if (thread == nullptr) return false;
  uint64_t free = free_stacks.load(std::memory_order_relaxed);
  while (free != 0 && !free_stacks.compare_exchange_weak(free, free & (free - 1), std::memory_order_acquire)) {
  }
  if (free == 0) {
    fault = misuse("more threads are inside this instance than it has stacks");
    return false;
  }
  const auto index = static_cast<uint64_t>(std::countr_zero(free));
  enter(call, *thread, first_stack_top + index * stack_stride, invocations);
  free_stacks.fetch_or(uint64_t{1} << index, std::memory_order_release);
  return call.status == STATUS_RETURNED || report(*this, call, fault);
}

[[gnu::noinline]] bool Instance::State::find_entry(uint64_t address) const {
  const bool found = std::any_of(entries.begin(), entries.end(),
                                 [&](const verifier::Entry& entry) { return entry.address == address; });
  if (found) last_entry.store(address, std::memory_order_relaxed);
  return found;
}

Result<void> Instance::State::run_constructors(const std::vector<uint64_t>& constructors) {
  using std::chrono::steady_clock;
  const auto end = steady_clock::now() + shared().options.init_budget;
  for (const uint64_t constructor : constructors) {
    const auto left = std::max<int64_t>(1, std::chrono::nanoseconds(end - steady_clock::now()).count());
    Watchdog::instance().synchronize();
    constructing = domain;
    constructing.budget = static_cast<uint64_t>(left);
    Call call;  // NOLINT(cppcoreguidelines-pro-type-member-init): run() fills what is read
    call.domain = &constructing;
    call.trampoline = call_trampoline;
    call.entry = constructor;
    std::fill(std::begin(call.arguments), std::end(call.arguments), 0);
    std::optional<Fault> fault;
    if (run(call, 1, fault)) continue;
    std::string text =
        shared().name + ": a global constructor ended in a fault: " + std::string(to_string(fault->kind));
    if (!fault->address_is.empty()) text += " (" + fault->address_is + ")";
    if (!fault->message.empty()) text += " (" + fault->message + ")";
    if (!fault->symbol.empty()) text += " in " + fault->symbol;
    if (!fault->line.empty()) text += " at " + fault->line;
    if (fault->kind == FaultKind::budget) text += "; all of them together have the init budget";
    return Error{ErrorKind::refused, text};
  }
  return {};
}

Outcome Instance::call(uint64_t entry, std::span<const uint64_t> arguments) {
  Outcome outcome;
  State& state = *state_;
  if (arguments.size() > 6 || !state.is_entry(entry)) [[unlikely]] {
    outcome.fault = misuse(arguments.size() > 6 ? "more than six arguments" : "not an entry of this instance");
    return outcome;
  }
  Call call;  // NOLINT(cppcoreguidelines-pro-type-member-init): run() fills what is read
  call.domain = &state.domain;
  call.trampoline = state.call_trampoline;
  call.entry = entry;
  // Not std::copy: a call of memmove() costs more than six moves.
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 6; ++i) call.arguments[i] = i < arguments.size() ? arguments[i] : 0;
  if (state.run(call, 1, outcome.fault)) [[likely]]
    outcome.value = call.value;
  return outcome;
}

size_t Instance::call_xdp(uint64_t entry, std::span<XdpSlot> slots, std::optional<Fault>& fault) {
  fault.reset();
  if (slots.empty()) return 0;
  State& state = *state_;
  const auto begin = reinterpret_cast<uint64_t>(slots.data());
  const Range* range = state.region.find(begin);
  if (range == nullptr || range->kind != Range::Kind::window || !owns(begin, slots.size_bytes()) ||
      !state.is_entry(entry)) {
    fault = misuse("not slots in the instance's window, or not an entry of the instance");
    return 0;
  }
  for (XdpSlot& slot : slots) slot.verdict = 0;  // XDP_ABORTED, for what the extension makes itself miss
  Call call;  // NOLINT(cppcoreguidelines-pro-type-member-init): run() fills what is read
  call.domain = &state.domain;
  call.trampoline = state.batch_trampoline;
  call.entry = entry;
  call.arguments[0] = begin;
  call.arguments[1] = begin + slots.size_bytes();
  std::fill(call.arguments + 2, std::end(call.arguments), 0);
  if (state.run(call, slots.size(), fault)) return slots.size();
  // What the extension says it did may be a lie.
  const size_t done = std::min<size_t>(call.done, slots.size() - 1);
  slots[done].verdict = 0;
  return done;
}

}  // namespace vbpf
