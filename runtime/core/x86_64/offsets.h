/* SPDX-License-Identifier: Apache-2.0 */
/* What C++ and assembly agree on. offsets.cpp asserts every number. */
#ifndef VBPF_CORE_OFFSETS_H
#define VBPF_CORE_OFFSETS_H

/* struct RegionInfo, at VBPF_OFF_INFO of each region, read-only to the extension. */
#define INFO_REGION_BASE 0
#define INFO_EXIT_GATE 8
#define INFO_IMPORT_GATE 16
#define INFO_EXIT_PKRU 24

/* Parts of a region: vbpf/abi.h's numbers as assemblers read them. */
#define REGION_THUNKS 0x11000
#define REGION_IMAGE 0x100000
#define REGION_IMAGE_SIZE 0x8000000
#define REGION_TARGET_MAP 0x10000000
#define REGION_STACKS 0x20000000
#define REGION_STACKS_SIZE 0x20000000 /* up to the heap: nothing but stacks */

/* struct Domain, of an instance. */
#define DOMAIN_RETURN_THUNK 0
#define DOMAIN_FLAGS 8
#define DOMAIN_GUEST_PKRU 12

/* struct Call, on the host's stack for the time of a call. */
#define CALL_HOST_RSP 0
#define CALL_DOMAIN 8
#define CALL_TRAMPOLINE 16
#define CALL_STACK_TOP 24
#define CALL_ENTRY 32
#define CALL_ARGUMENTS 40 /* six of 8 bytes */
#define CALL_VALUE 88
#define CALL_STATUS 96
#define CALL_HOST_MXCSR 100
#define CALL_HOST_PKRU 104
#define CALL_GUEST 112 /* registers when an import was called: rax rbx rcx rdx rsi rdi rbp rsp r8 … r15 */

#define CALL_FLAG_PKU 1         /* close protection keys */
#define CALL_FLAG_AVX 2         /* the CPU has AVX: clear with VEX instructions */
#define CALL_FLAG_DIRTY_UPPER 4 /* the extension uses AVX: leave with vzeroupper */
#define CALL_FLAG_FLOAT 8       /* the extension has arithmetic that looks at MXCSR and changes it */
#define CALL_FLAG_VECTORS 16    /* the extension names vector registers: clear them before it runs */

#define STATUS_RETURNED 0
#define STATUS_FAULT 1

/* Numbers of the loader's own reports, in place of an import's number. */
#define REPORT_BAD_RETURN 0x10000
#define REPORT_BAD_CALL 0x10001

#define MXCSR_DEFAULT 0x1f80

/* At the top of each stack: room the batch trampoline uses. */
#define STACK_CONTROL_SIZE 64
#define CONTROL_PROGRESS 0 /* 32 bits: slots done */

/* struct XdpSlot */
#define SLOT_SIZE 64
#define SLOT_VERDICT 40

#endif
