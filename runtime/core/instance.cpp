// SPDX-License-Identifier: Apache-2.0
// An instance: its memory, and the way through the gate and back.
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>

#include "signals.h"
#include "state.h"
#include "thread.h"
#include "vbpf/abi.h"
#include "watchdog.h"
#include "x86_64/offsets.h"

namespace vbpf {
namespace {

constexpr uint64_t page = 4096;
// Between stacks, and below the first: more than one step of %rsp under SFI, so that an overflow ends in it.
constexpr uint64_t stack_guard = 2 * VBPF_SFI_MAX_STACK_STEP;
constexpr uint64_t stack_room = VBPF_OFF_HEAP - VBPF_OFF_STACKS;

uint64_t in_region(uint64_t base, const std::byte* blob_symbol) {
  return base + VBPF_OFF_THUNKS + static_cast<uint64_t>(blob_symbol - vbpf_blob_start);
}

uint64_t address_of(void (*function)()) { return reinterpret_cast<uint64_t>(function); }

uint64_t pages(uint64_t size) { return (size + page - 1) & ~(page - 1); }

}  // namespace

Result<void> Instance::State::map(const verifier::Image& image) {
  const uint64_t base = region.base();
  region.set_key(key.value());
  for (const verifier::Segment& segment : image.segments) {
    using Kind = verifier::Segment::Kind;
    const bool text = segment.kind == Kind::text, data = segment.kind == Kind::data;
    VBPF_CHECK(region.map_filled(segment.address - base, segment.size, segment.bytes,
                                 PROT_READ | (text   ? PROT_EXEC
                                              : data ? PROT_WRITE
                                                     : 0),
                                 text   ? Range::Kind::text
                                 : data ? Range::Kind::data
                                        : Range::Kind::read_only));
    if (!text) continue;
    text_base = segment.address;
    text_size = image.target_map.size();
  }
  VBPF_CHECK(
      region.map_filled(VBPF_OFF_TARGET_MAP, pages(text_size), image.target_map, PROT_READ, Range::Kind::target_map));
  const auto blob_size = static_cast<size_t>(vbpf_blob_end - vbpf_blob_start);
  VBPF_CHECK(region.map_filled(VBPF_OFF_THUNKS, pages(blob_size), {vbpf_blob_start, blob_size}, PROT_READ | PROT_EXEC,
                               Range::Kind::thunks));
  VBPF_CHECK(map_info());
  VBPF_CHECK(map_stacks());
  if (shared().heap_size != 0) VBPF_CHECK(region.map(VBPF_OFF_HEAP, shared().heap_size, Range::Kind::heap));
  entries = image.entries;
  window_end = VBPF_OFF_WINDOW;
  if (cpu_has_avx()) flags |= CALL_FLAG_AVX;
  if (image.uses_avx && cpu_has_avx()) flags |= CALL_FLAG_DIRTY_UPPER;
  return_thunk = in_region(
      base, shared().concurrency == VBPF_CONCURRENCY_SHARED ? vbpf_blob_return_popped : vbpf_blob_return_in_place);
  call_trampoline = in_region(base, vbpf_blob_call);
  batch_trampoline = in_region(base, vbpf_blob_batch);
  return {};
}

Result<void> Instance::State::map_info() {
  const uint64_t base = region.base();
  RegionInfo info{};
  info.region_base = base;
  info.text_base = text_base;
  info.text_size = text_size;
  info.target_map = base + VBPF_OFF_TARGET_MAP;
  info.exit_gate = address_of(vbpf_gate_exit);
  info.import_gate = address_of(vbpf_gate_import);
  if (shared().choice.confinement == Confinement::pku) {
    constexpr uint32_t all_but_key_0 = 0x55555554;
    info.exit_gate = address_of(vbpf_gate_exit_pku);
    info.import_gate = address_of(vbpf_gate_import_pku);
    info.exit_pkru = all_but_key_0 & ~key.mask();
    guest_pkru = ~key.mask();
    flags |= CALL_FLAG_PKU;
  }
  return region.map_filled(VBPF_OFF_INFO, page, std::as_bytes(std::span(&info, 1)), PROT_READ, Range::Kind::info);
}

// One stack, or with `shared` one for each thread that may be inside.
Result<void> Instance::State::map_stacks() {
  const uint64_t size = shared().stack_size;
  stack_stride = size + stack_guard;
  first_stack_top = VBPF_OFF_STACKS + stack_stride;
  const bool many = shared().concurrency == VBPF_CONCURRENCY_SHARED;
  const uint64_t count = many ? std::min<uint64_t>(max_threads, stack_room / stack_stride) : 1;
  for (uint64_t i = 0; i < count; ++i)
    VBPF_CHECK(region.map(first_stack_top + i * stack_stride - size, size, Range::Kind::stack));
  free_stacks = count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
  return {};
}

Result<void> Instance::State::run_constructors(const std::vector<uint64_t>& constructors) {
  using std::chrono::steady_clock;
  const auto end = steady_clock::now() + shared().options.init_budget;
  for (const uint64_t constructor : constructors) {
    const auto left = std::max<int64_t>(1, (end - steady_clock::now()).count());
    Invocation invocation{.trampoline = call_trampoline, .entry = constructor, .arguments = {}};
    invocation.budget = static_cast<uint64_t>(left);
    std::optional<Fault> fault;
    if (run(invocation, fault)) continue;
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

// The gate crossing itself. True when the extension returned.
bool Instance::State::enter(Call& call, const Invocation& invocation, uint64_t stack, std::optional<Fault>& fault,
                            uint32_t* progress_out) {
  call.thread = current_thread;
  const bool pku = (flags & CALL_FLAG_PKU) != 0;
  if (call.thread == nullptr || (pku && !call.thread->left_rseq)) {
    Result<ThreadState*> attached = attach_thread(pku);
    if (!attached) {
      fault = misuse(attached.error().message);
      return false;
    }
    call.thread = *attached;
  }
  const uint64_t control = region.base() + first_stack_top + stack * stack_stride - STACK_CONTROL_SIZE;
  auto* progress = reinterpret_cast<uint32_t*>(memory_at(control));
  call.trampoline = invocation.trampoline;
  call.stack_top = control;
  call.entry = invocation.entry;
  std::fill(std::copy(invocation.arguments.begin(), invocation.arguments.end(), call.arguments),
            std::end(call.arguments), 0);
  call.return_thunk = return_thunk;
  call.flags = flags;
  if (invocation.batch) {
    *progress = 0;
    call.arguments[2] = control;
  }
  call.guest_pkru = guest_pkru;
  // What the host had open, and this instance's memory.
  call.host_pkru = pku ? read_pkru() & ~key.mask() : 0;
  call.region_base = region.base();
  call.instance = this;
  call.over_budget = false;
  call.outer = vbpf_active_call;
  set_gs_base(call.region_base);
  call.sequence = Watchdog::instance().begin(*call.thread, invocation.budget, invocation.invocations,
                                             invocation.batch ? progress : nullptr);
  vbpf_active_call = &call;
  vbpf_gate_enter(&call);
  vbpf_active_call = call.outer;
  Watchdog::end(*call.thread);
  if (call.status == STATUS_RETURNED) return true;
  if (progress_out != nullptr) *progress_out = __atomic_load_n(progress, __ATOMIC_RELAXED);
  const bool said = call.fault.kind == FaultKind::abort || call.fault.kind == FaultKind::heap_exhausted ||
                    call.fault.kind == FaultKind::pure_virtual;
  fault = describe(*this, call.fault, {call.thread->message, said ? call.thread->message_size : 0});
  return false;
}

std::optional<uint64_t> Instance::State::run(const Invocation& invocation, std::optional<Fault>& fault,
                                             uint32_t* progress) {
  Call call;  // NOLINT(cppcoreguidelines-pro-type-member-init): enter() fills what is read
  bool returned = false;
  if (shared().concurrency == VBPF_CONCURRENCY_SHARED) {
    uint64_t free = free_stacks.load(std::memory_order_relaxed);
    while (free != 0 && !free_stacks.compare_exchange_weak(free, free & (free - 1), std::memory_order_acquire)) {
    }
    if (free == 0) {
      fault = misuse("more threads are inside this instance than it has stacks");
      return std::nullopt;
    }
    const auto stack = static_cast<uint64_t>(std::countr_zero(free));
    returned = enter(call, invocation, stack, fault, progress);
    free_stacks.fetch_or(uint64_t{1} << stack, std::memory_order_release);
  } else {
    const bool locked = shared().concurrency == VBPF_CONCURRENCY_SERIAL;
    if (running != nullptr && running == current_thread) {
      fault = misuse("the instance is already running on this thread; an import's callback cannot call it again");
      return std::nullopt;
    }
    if (locked) serial.lock();
    running = current_thread;
    returned = enter(call, invocation, 0, fault, progress);
    running = nullptr;
    if (locked) serial.unlock();
  }
  if (!returned) return std::nullopt;
  return call.value;
}

Instance::Instance(std::unique_ptr<State> state) : state_(std::move(state)) {}

Instance::~Instance() { Watchdog::instance().synchronize(); }

Result<std::span<std::byte>> Instance::window(size_t size, int memory) {
  const uint64_t whole = pages(size);
  if (size == 0 || whole > VBPF_OFF_WINDOW + VBPF_WINDOW_SIZE_MAX - state_->window_end || whole < size) {
    return Error{ErrorKind::bad_input, "a window of " + std::to_string(size) + " bytes: an instance has room for " +
                                           std::to_string(VBPF_OFF_WINDOW + VBPF_WINDOW_SIZE_MAX - state_->window_end) +
                                           " more"};
  }
  struct stat status{};
  if (memory >= 0 && (::fstat(memory, &status) != 0 || static_cast<uint64_t>(status.st_size) < size))
    return Error{ErrorKind::bad_input, "the file for a window is smaller than the window"};
  VBPF_CHECK(state_->region.map(state_->window_end, whole, Range::Kind::window, memory));
  std::byte* const at = memory_at(state_->region.base() + state_->window_end);
  state_->window_end += whole;
  return std::span(at, size);
}

Result<uint64_t> Instance::entry(std::string_view name, std::string_view hook) const {
  for (const verifier::Entry& entry : state_->entries) {
    if (entry.name == name && (hook.empty() || entry.hook == hook)) return entry.address;
  }
  std::string known;
  for (const verifier::Entry& entry : state_->entries) {
    if (!hook.empty() && entry.hook != hook) continue;
    known += (known.empty() ? "" : ", ") + entry.name;
  }
  const std::string what = hook.empty() ? "entry" : "entry for hook " + std::string(hook);
  return Error{ErrorKind::bad_input, state_->shared().name + " has no " + what + " named " + std::string(name) +
                                         "; it has " + (known.empty() ? "none" : known)};
}

namespace {

// The verifier's guarantees are for entries and what they reach, so nothing else is called.
bool is_entry(const std::vector<verifier::Entry>& entries, uint64_t address) {
  return std::any_of(entries.begin(), entries.end(),
                     [&](const verifier::Entry& entry) { return entry.address == address; });
}

}  // namespace

Outcome Instance::call(uint64_t entry, std::span<const uint64_t> arguments) {
  Outcome outcome;
  if (arguments.size() > 6 || !is_entry(state_->entries, entry)) {
    outcome.fault = misuse(arguments.size() > 6 ? "more than six arguments" : "not an entry of this instance");
    return outcome;
  }
  State::Invocation invocation{.trampoline = state_->call_trampoline, .entry = entry, .arguments = arguments};
  invocation.budget = static_cast<uint64_t>(state_->shared().options.budget.count());
  if (const std::optional<uint64_t> value = state_->run(invocation, outcome.fault)) outcome.value = *value;
  return outcome;
}

size_t Instance::call_xdp(uint64_t entry, std::span<XdpSlot> slots, std::optional<Fault>& fault) {
  fault.reset();
  if (slots.empty()) return 0;
  const auto begin = reinterpret_cast<uint64_t>(slots.data());
  const Range* range = state_->region.find(begin);
  if (range == nullptr || range->kind != Range::Kind::window || !owns(begin, slots.size_bytes()) ||
      !is_entry(state_->entries, entry)) {
    fault = misuse("not slots in the instance's window, or not an entry of the instance");
    return 0;
  }
  for (XdpSlot& slot : slots) slot.verdict = 0;  // XDP_ABORTED, for what the extension makes itself miss
  const uint64_t arguments[] = {begin, begin + slots.size_bytes()};
  State::Invocation invocation{.trampoline = state_->batch_trampoline, .entry = entry, .arguments = arguments};
  invocation.budget = static_cast<uint64_t>(state_->shared().options.budget.count());
  invocation.invocations = slots.size();
  invocation.batch = true;
  uint32_t progress = 0;
  if (state_->run(invocation, fault, &progress)) return slots.size();
  const size_t done = std::min<size_t>(progress, slots.size() - 1);
  slots[done].verdict = 0;
  return done;
}

bool Instance::owns(uint64_t address, uint64_t size) const { return state_->region.owns(address, size); }

const Extension& Instance::extension() const { return state_->extension; }

}  // namespace vbpf
