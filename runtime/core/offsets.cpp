// SPDX-License-Identifier: Apache-2.0
// Every number of x86_64/offsets.h, asserted.
#include "x86_64/offsets.h"

#include <cstddef>

#include "gate.h"
#include "vbpf/abi.h"

namespace vbpf {

#define SAME(name, type, field) static_assert((name) == offsetof(type, field))
SAME(INFO_REGION_BASE, RegionInfo, region_base);
SAME(INFO_EXIT_GATE, RegionInfo, exit_gate);
SAME(INFO_IMPORT_GATE, RegionInfo, import_gate);
SAME(INFO_EXIT_PKRU, RegionInfo, exit_pkru);
SAME(DOMAIN_RETURN_THUNK, Domain, return_thunk);
SAME(DOMAIN_FLAGS, Domain, flags);
SAME(DOMAIN_GUEST_PKRU, Domain, guest_pkru);
SAME(CALL_HOST_RSP, Call, host_rsp);
SAME(CALL_DOMAIN, Call, domain);
SAME(CALL_TRAMPOLINE, Call, trampoline);
SAME(CALL_STACK_TOP, Call, stack_top);
SAME(CALL_ENTRY, Call, entry);
SAME(CALL_ARGUMENTS, Call, arguments);
SAME(CALL_VALUE, Call, value);
SAME(CALL_STATUS, Call, status);
SAME(CALL_HOST_MXCSR, Call, host_mxcsr);
SAME(CALL_HOST_PKRU, Call, host_pkru);
SAME(CALL_GUEST, Call, guest);
SAME(SLOT_VERDICT, XdpSlot, verdict);
static_assert(REGION_THUNKS == VBPF_OFF_THUNKS && REGION_IMAGE == VBPF_OFF_IMAGE &&
              REGION_IMAGE_SIZE == VBPF_IMAGE_SIZE_MAX && REGION_TARGET_MAP == VBPF_OFF_TARGET_MAP &&
              REGION_STACKS == VBPF_OFF_STACKS && REGION_STACKS + REGION_STACKS_SIZE == VBPF_OFF_HEAP);
static_assert(SLOT_SIZE == sizeof(XdpSlot));
static_assert(INFO_REGION_BASE == 0, "SFI code reads the region's base from %gs:VBPF_OFF_INFO");

}  // namespace vbpf
