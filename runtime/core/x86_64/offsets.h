/* SPDX-License-Identifier: Apache-2.0 */
/* What C++ and assembly agree on. offsets.cpp asserts every number. */
#ifndef VBPF_CORE_OFFSETS_H
#define VBPF_CORE_OFFSETS_H

/* struct RegionInfo, at VBPF_OFF_INFO of each region, read-only to the extension. */
#define INFO_REGION_BASE 0
#define INFO_TEXT_BASE 8
#define INFO_TEXT_SIZE 16
#define INFO_TARGET_MAP 24
#define INFO_EXIT_GATE 32
#define INFO_IMPORT_GATE 40
#define INFO_STACK_BASE 48 /* of an instance with one stack */
#define INFO_STACK_SIZE 56
#define INFO_EXIT_PKRU 64

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

#define CALL_FLAG_PKU 1        /* close protection keys */
#define CALL_FLAG_AVX 2        /* the CPU has AVX: clear with VEX instructions */
#define CALL_FLAG_DIRTY_UPPER 4 /* the extension uses AVX: leave with vzeroupper */
#define CALL_FLAG_FLOAT 8      /* the extension has arithmetic that looks at MXCSR and changes it */

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
