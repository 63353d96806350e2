// SPDX-License-Identifier: Apache-2.0
// The host's side of imports.def, and of the thunks' reports. Runs on the host's stack with the host's keys; everything
// in call->guest is the extension's word, and memory it points to may change at any time.
#include <bpf/bpf.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>

#include "state.h"
#include "thread.h"
#include "vbpf/abi.h"
#include "watchdog.h"
#include "x86_64/offsets.h"

namespace vbpf {
namespace {

enum GuestRegister { rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15 };

Instance::State& state_of(const Call& call) { return *static_cast<Instance::State*>(call.domain->instance); }

// Leaves the host's frames behind: nothing that needs destruction may be alive here or in the caller.
[[noreturn]] void end(Call& call, FaultKind kind, uint64_t address, uint64_t place = 0) {
  const uint64_t* g = call.guest;
  uint64_t rip = place;
  // Where the import was called. A tail call shows its caller.
  if (rip == 0 && kind != FaultKind::bad_return && state_of(call).region.owns(g[rsp], sizeof(rip)))
    std::memcpy(&rip, memory_at(g[rsp]), sizeof(rip));
  call.fault = {kind,
                address,
                true,
                true,
                {g[rax], g[rbx], g[rcx], g[rdx], g[rsi], g[rdi], g[rbp], g[rsp], g[r8], g[r9], 0, 0, g[r12], g[r13],
                 g[r14], g[r15], rip, 0}};
  vbpf_gate_abandon(&call);
}

// Copies what an import was given; ends the call when it is not the extension's to give.
uint32_t copy_message(Call& call, uint64_t address, uint64_t length, std::span<char> to) {
  if (!state_of(call).region.owns(address, length)) end(call, FaultKind::bad_import, address);
  const auto size = static_cast<uint32_t>(std::min<uint64_t>(length, to.size()));
  std::memcpy(to.data(), memory_at(address), size);
  return size;
}

[[noreturn]] void abort(Call& call) {
  ThreadState& thread = *current_thread;
  thread.message_size = copy_message(call, call.guest[rsi], call.guest[rdx], {thread.message, sizeof(thread.message)});
  FaultKind kind = FaultKind::abort;
  if (static_cast<uint32_t>(call.guest[rdi]) == VBPF_ABORT_HEAP_EXHAUSTED) kind = FaultKind::heap_exhausted;
  if (static_cast<uint32_t>(call.guest[rdi]) == VBPF_ABORT_PURE_VIRTUAL) kind = FaultKind::pure_virtual;
  end(call, kind, 0, call.guest[rcx]);
}

void log(Call& call) {
  std::array<char, 512> line;
  const uint32_t size = copy_message(call, call.guest[rdi], call.guest[rsi], line);
  const auto& callback = state_of(call).shared().options.log;
  if (!callback) return;
  const Watchdog::Watched watched = Watchdog::watched(*current_thread);
  callback({line.data(), size});
  // The callback may have called another extension, with a budget of its own.
  set_gs_base(*current_thread, call.domain->region_base);
  Watchdog::instance().resume(*current_thread, watched);
}

uint64_t monotonic() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

uint64_t random_bits(ThreadState& thread) {  // xorshift64*
  uint64_t& x = thread.random;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  return x * 2685821657736338717u >> 32;
}

// A key or value: its word, at the time of the call.
using MapBytes = std::array<std::byte, VBPF_MAP_VALUE_SIZE_MAX>;

void copy_for_map(Call& call, uint64_t address, uint32_t size, MapBytes& to) {
  if (!state_of(call).region.owns(address, size)) end(call, FaultKind::bad_import, address);
  std::memcpy(to.data(), memory_at(address), size);
}

const BpfMaps::Made& map_of(Call& call) {
  const Instance::State& state = state_of(call);
  const BpfMaps::Made* made = state.shared().maps.at(call.guest[rdi] - state.region.base());
  if (made == nullptr) end(call, FaultKind::bad_import, call.guest[rdi]);
  return *made;
}

// As the kernel engine has it: 0 or a negative errno.
uint64_t map_result(int result) { return static_cast<uint64_t>(result == 0 ? 0 : -static_cast<int64_t>(errno)); }

uint64_t map_lookup(Call& call) {
  const BpfMaps::Made& made = map_of(call);
  const uint64_t to = call.guest[rdx];
  MapBytes key, value;
  copy_for_map(call, call.guest[rsi], made.map.key_size, key);
  const uint64_t result = map_result(bpf_map_lookup_elem(made.descriptor, key.data(), value.data()));
  if (result != 0) return result;
  if (!state_of(call).region.owns_writable(to, made.map.value_size)) end(call, FaultKind::bad_import, to);
  std::memcpy(memory_at(to), value.data(), made.map.value_size);
  return 0;
}

uint64_t map_update(Call& call) {
  const BpfMaps::Made& made = map_of(call);
  MapBytes key, value;
  copy_for_map(call, call.guest[rsi], made.map.key_size, key);
  copy_for_map(call, call.guest[rdx], made.map.value_size, value);
  return map_result(bpf_map_update_elem(made.descriptor, key.data(), value.data(), call.guest[rcx]));
}

uint64_t map_delete(Call& call) {
  const BpfMaps::Made& made = map_of(call);
  MapBytes key;
  copy_for_map(call, call.guest[rsi], made.map.key_size, key);
  return map_result(bpf_map_delete_elem(made.descriptor, key.data()));
}

uint64_t dispatch(Call& call, uint32_t number) {
  switch (number) {
    case 0:
      abort(call);
    case 1:
      log(call);
      return 0;
    case 2:
      return monotonic();
    case 3:
      return random_bits(*current_thread);
    case 4:
      return static_cast<uint64_t>(::sched_getcpu());
    case 5:
      return map_lookup(call);
    case 6:
      return map_update(call);
    case 7:
      return map_delete(call);
    case REPORT_BAD_RETURN:
      end(call, FaultKind::bad_return, call.guest[rdx]);
    case REPORT_BAD_CALL:
      end(call, FaultKind::bad_call, call.guest[rdx]);
    default:
      end(call, FaultKind::bad_import, number);
  }
}

}  // namespace
}  // namespace vbpf

extern "C" uint64_t vbpf_import(vbpf::Call* call, uint32_t number) {
  const uint64_t value = vbpf::dispatch(*call, number);
  if (call->over_budget != 0) vbpf::end(*call, vbpf::FaultKind::budget, 0);
  return value;
}
