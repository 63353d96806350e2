// SPDX-License-Identifier: Apache-2.0
// The structures the gates of x86_64/gate.S work on, and their prototypes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "vbpf/abi.h"
#include "vbpf/extension.h"

namespace vbpf {

// At VBPF_OFF_INFO of a region; read-only to the extension, and to the host once the instance runs.
struct RegionInfo {
  uint64_t region_base;
  uint64_t exit_gate, import_gate;
  uint32_t exit_pkru;
};

// What ended a call, as the signal handler or an import saw it: nothing here allocates.
struct RawFault {
  FaultKind kind;
  uint64_t address;
  bool address_known;
  bool in_import;  // registers.rip is where the import was to return to, of the extension's making
  Registers registers;
};

// What does not change from call to call of one instance. x86_64/offsets.h names the first fields.
struct Domain {
  uint64_t return_thunk;
  uint32_t flags;  // CALL_FLAG_*
  uint32_t guest_pkru;
  uint64_t region_base;
  uint64_t budget;  // ns, of one invocation
  void* instance;   // Instance::State
};

// One invocation, on the host's stack. x86_64/offsets.h names the first fields.
struct Call {
  uint64_t host_rsp;
  const Domain* domain;
  uint64_t trampoline;
  uint64_t stack_top;
  uint64_t entry;
  uint64_t arguments[6];
  uint64_t value;
  uint32_t status;
  uint32_t host_mxcsr;
  uint32_t host_pkru;             // with PKU
  volatile uint32_t over_budget;  // found while an import ran
  uint64_t guest[16];             // when an import was called

  Call* outer;     // the one whose import made this one, null in most
  uint32_t done;   // when status says fault: what the control room counted
  RawFault fault;  // when status says fault
};

}  // namespace vbpf

extern "C" {
// Initial-exec: signal handlers read it.
extern __thread vbpf::Call* vbpf_active_call __attribute__((tls_model("initial-exec"), visibility("hidden")));

// vbpf_active_call->host_rsp while an extension runs; in an import it may be an older call's. Kept apart, because
// two loads one behind the other would delay all of the host that needs its stack.
extern __thread uint64_t vbpf_host_rsp __attribute__((tls_model("initial-exec"), visibility("hidden")));

void vbpf_gate_enter(vbpf::Call* call);
[[noreturn]] void vbpf_gate_abandon(vbpf::Call* call);
void vbpf_gate_set_pkru(uint32_t value);

// Places, not functions: addresses for RegionInfo and signal frames.
void vbpf_gate_exit();
void vbpf_gate_exit_pku();
void vbpf_gate_import();
void vbpf_gate_import_pku();
void vbpf_gate_fault();
void vbpf_gate_fault_pku();

// Called by the import gates on the host's stack.
uint64_t vbpf_import(vbpf::Call* call, uint32_t number);

// x86_64/thunks.S
extern const std::byte vbpf_blob_start[], vbpf_blob_end[];
extern const std::byte vbpf_blob_call[], vbpf_blob_batch[];
extern const std::byte vbpf_blob_return_in_place[], vbpf_blob_return_popped[];
}

namespace vbpf {

// Where a symbol of the blob lies in a region.
inline uint64_t in_region(uint64_t base, const std::byte* blob_symbol) {
  return base + VBPF_OFF_THUNKS + static_cast<uint64_t>(blob_symbol - vbpf_blob_start);
}

// This thread's PKRU. Only where the CPU has PKU.
inline uint32_t read_pkru() {
  uint32_t value = 0, zero = 0;
  asm volatile(".byte 0x0f, 0x01, 0xee" : "=a"(value), "=d"(zero) : "c"(0));  // rdpkru
  return value;
}

}  // namespace vbpf
