// SPDX-License-Identifier: Apache-2.0
// From the raw report of a fault to one a person can read.
#include "object_file.h"
#include "state.h"
#include "vbpf/abi.h"

namespace vbpf {

std::string_view to_string(FaultKind kind) {
  switch (kind) {
    case FaultKind::bad_address:
      return "bad-address";
    case FaultKind::stack_overflow:
      return "stack-overflow";
    case FaultKind::divide_error:
      return "divide-error";
    case FaultKind::undefined_instruction:
      return "undefined-instruction";
    case FaultKind::bad_return:
      return "bad-return";
    case FaultKind::bad_call:
      return "bad-call";
    case FaultKind::abort:
      return "abort";
    case FaultKind::heap_exhausted:
      return "heap-exhausted";
    case FaultKind::pure_virtual:
      return "pure-virtual";
    case FaultKind::budget:
      return "budget";
    case FaultKind::bad_import:
      return "bad-import";
  }
  return "unknown";
}

Fault misuse(std::string message) {
  Fault fault;
  fault.kind = FaultKind::bad_call;
  fault.message = std::move(message);
  return fault;
}

namespace {

// The stack a faulting address is just below of, as far as one step of a frame may reach.
bool below_a_stack(const Instance::State& state, uint64_t address) {
  const uint64_t offset = address - state.region.base() - VBPF_OFF_STACKS;
  if (offset >= VBPF_OFF_HEAP - VBPF_OFF_STACKS || state.region.find(address) != nullptr) return false;
  const Range* above = nullptr;
  for (uint64_t step = 0; step <= state.stack_stride && above == nullptr; step += 4096)
    above = state.region.find(address + step);
  return above != nullptr && above->kind == Range::Kind::stack;
}

std::string_view name_of(Range::Kind kind) {
  switch (kind) {
    case Range::Kind::info:
      return "the loader's constants (read-only)";
    case Range::Kind::thunks:
      return "the loader's thunks (read-only)";
    case Range::Kind::text:
      return "own text (read-only)";
    case Range::Kind::read_only:
      return "own constants (read-only)";
    case Range::Kind::data:
      return "own data";
    case Range::Kind::target_map:
      return "the map of branch targets (read-only)";
    case Range::Kind::stack:
      return "own stack";
    case Range::Kind::heap:
      return "own heap";
    case Range::Kind::window:
      return "window shared with the host";
    case Range::Kind::view:
      return "a file (read-only), or what it has lost";
  }
  return "";
}

std::string what_lies_at(const Instance::State& state, uint64_t address) {
  const uint64_t offset = address - state.region.base();
  if (address < VBPF_OFF_INFO) return "null page";
  if (const Range* range = state.region.find(address)) return std::string(name_of(range->kind));
  if (below_a_stack(state, address)) return "guard page below the stack";
  if (offset - VBPF_OFF_HEAP < VBPF_OFF_WINDOW - VBPF_OFF_HEAP) return "beyond the heap's limit";
  if (offset < VBPF_REGION_SIZE || offset + VBPF_REGION_GUARD < VBPF_REGION_SIZE + 2 * VBPF_REGION_GUARD)
    return "nothing mapped, in the extension's region";
  return "outside the extension's memory";
}

}  // namespace

Fault describe(const Instance::State& state, const RawFault& raw, std::string_view message) {
  Fault fault;
  fault.kind = raw.kind;
  fault.address = raw.address;
  fault.message = message;
  fault.registers = raw.registers;
  uint64_t rip = raw.registers.rip;
  if (raw.kind == FaultKind::bad_address && raw.address_known && below_a_stack(state, raw.address))
    fault.kind = FaultKind::stack_overflow;
  // SFI cuts an address to its lower half; for small ones that was all there was.
  if (fault.address - state.region.base() < VBPF_OFF_INFO) fault.address -= state.region.base();
  if (!raw.address_known) {
    fault.address_is = "an address that is not canonical";
  } else if (raw.kind == FaultKind::bad_address || raw.kind == FaultKind::bad_return ||
             raw.kind == FaultKind::bad_call || raw.kind == FaultKind::bad_import) {
    fault.address_is = what_lies_at(state, fault.address);
  }
  if (fault.address == 0 && raw.kind != FaultKind::bad_address && raw.kind != FaultKind::bad_return &&
      raw.kind != FaultKind::bad_call && raw.kind != FaultKind::bad_import) {
    fault.address = rip;
  }
  // A return address is the instruction after the call, which may be the next function's.
  if (raw.in_import && rip != 0) --rip;
  if (rip - state.text_base >= state.text_size) return fault;
  const Extension::State& extension = state.shared();
  const uint64_t offset = rip - state.region.base();
  if (const verifier::Symbol* symbol = function_at(extension.symbols, offset)) {
    fault.symbol = symbol->name;
    fault.symbol_offset = offset - symbol->address;
    fault.line = extension.line_of(symbol->section, symbol->section_offset + fault.symbol_offset);
  }
  return fault;
}

}  // namespace vbpf
