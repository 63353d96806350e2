// SPDX-License-Identifier: Apache-2.0
#include "description.h"

#include <algorithm>

#include "object_file.h"
#include "vbpf/abi.h"
#include "vbpf/source_line.h"

namespace vbpf::kernel {
namespace {

// As instructions number registers.
enum { rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15, rip, rflags };

constexpr uint32_t general_protection = 13, stack_segment = 12, no_vector = ~0u;

FaultKind kind_of(uint32_t kind) {
  switch (kind) {
    case VBPF_FAULT_STACK_OVERFLOW:
      return FaultKind::stack_overflow;
    case VBPF_FAULT_DIVIDE_ERROR:
      return FaultKind::divide_error;
    case VBPF_FAULT_BAD_RETURN:
      return FaultKind::bad_return;
    case VBPF_FAULT_BAD_CALL:
      return FaultKind::bad_call;
    case VBPF_FAULT_ABORT:
      return FaultKind::abort;
    case VBPF_FAULT_HEAP_EXHAUSTED:
      return FaultKind::heap_exhausted;
    case VBPF_FAULT_PURE_VIRTUAL:
      return FaultKind::pure_virtual;
    case VBPF_FAULT_BUDGET:
      return FaultKind::budget;
    case VBPF_FAULT_BAD_IMPORT:
      return FaultKind::bad_import;
    case VBPF_FAULT_BAD_ADDRESS:
      return FaultKind::bad_address;
    default:
      return FaultKind::undefined_instruction;
  }
}

bool is_about_an_address(FaultKind kind) {
  return kind == FaultKind::bad_address || kind == FaultKind::stack_overflow || kind == FaultKind::bad_return ||
         kind == FaultKind::bad_call || kind == FaultKind::bad_import;
}

std::string what_lies_at(uint64_t address, const vbpf_fault& raw) {
  const uint64_t offset = address - raw.base;
  if (address < VBPF_OFF_INFO) return "null page";
  if (address < uint64_t{1} << 63) return "user memory";
  if (offset >= VBPF_REGION_SIZE) return "kernel memory";
  if (offset < VBPF_OFF_THUNKS) return "nothing mapped, in the extension's region";
  if (offset < VBPF_OFF_IMAGE) return "the loader's thunks (read-only)";
  if (offset < VBPF_OFF_IMAGE + VBPF_IMAGE_SIZE_MAX) return "own image";
  if (offset < VBPF_OFF_HEAP) return "the map of branch targets (read-only)";
  if (offset < VBPF_OFF_WINDOW) return "beyond the heap's limit";
  return "outside the window shared with the kernel";
}

}  // namespace

Fault describe(const vbpf_fault& raw, const std::vector<verifier::Symbol>& symbols, std::span<const std::byte> object) {
  const __u64* g = raw.registers;
  Fault fault;
  fault.kind = kind_of(raw.kind);
  fault.registers = {g[rax], g[rbx], g[rcx], g[rdx], g[rsi], g[rdi], g[rbp], g[rsp], g[r8],
                     g[r9],  g[r10], g[r11], g[r12], g[r13], g[r14], g[r15], g[rip], g[rflags]};
  fault.address = is_about_an_address(fault.kind) ? raw.address : g[rip];
  fault.message.assign(raw.message, std::min<size_t>(raw.message_size, sizeof(raw.message)));
  if (raw.kind == VBPF_FAULT_EXCEPTION) fault.message = "exception " + std::to_string(raw.vector);
  if (fault.kind == FaultKind::stack_overflow) {
    fault.address_is = fault.address < raw.stack_top ? "guard page below the stack" : "guard page above the stack";
  } else if (raw.vector == general_protection || raw.vector == stack_segment) {
    fault.address_is = "an address that is not canonical";
  } else if (is_about_an_address(fault.kind)) {
    fault.address_is = what_lies_at(fault.address, raw);
  }
  // An import's report has the address after the call.
  uint64_t place = g[rip] - raw.base;
  if (raw.vector == no_vector && fault.kind != FaultKind::budget) --place;
  if (place < VBPF_OFF_IMAGE || place >= VBPF_OFF_IMAGE + VBPF_IMAGE_SIZE_MAX) return fault;
  if (const verifier::Symbol* symbol = function_at(symbols, place)) {
    fault.symbol = symbol->name;
    fault.symbol_offset = place - symbol->address;
    fault.line =
        source_line(object, verifier::Variant::kernel, symbol->section, symbol->section_offset + fault.symbol_offset);
  }
  return fault;
}

}  // namespace vbpf::kernel
