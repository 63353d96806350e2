/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extensions in this process, for C: read, verify, link, confine, call. <vbpf/extension.h> is the same for C++.
 *
 *   vbpf_error *error = NULL;
 *   vbpf_extension *extension = vbpf_extension_open("ext.o", NULL, &error);
 *   vbpf_instance *instance = extension ? vbpf_instance_create(extension, &error) : NULL;
 *   uint64_t entry, value;
 *   if (instance && vbpf_instance_entry(instance, "classify", NULL, &entry, &error) == 0) {
 *     vbpf_fault *fault = NULL;
 *     if (vbpf_instance_call(instance, entry, NULL, 0, &value, &fault) != 0)
 *       fprintf(stderr, "%s\n", vbpf_fault_kind_name(vbpf_fault_get_kind(fault)));
 *     vbpf_fault_free(fault);
 *   }
 *
 * Ownership: what a function named _open, _open_memory or _create returns belongs to the caller, who gives it to
 * _close or _destroy; an error or fault that a function stored belongs to the caller, who gives it to _free. All of
 * these take NULL. Strings and entries belong to the object they were asked of and live as long.
 *
 * Errors: a function that can fail takes a last parameter `error`, which may be NULL. On failure it returns NULL or -1
 * and stores an error there; on success it leaves *error alone. No function throws or ends the process.
 *
 * Threads: extensions are immutable and may be used from several threads at a time, errors and faults as well (but for
 * _close and _free). An instance may be entered by one thread at a time if its concurrency is VBPF_CONCURRENCY_PER_CPU
 * (the caller sees to it); VBPF_CONCURRENCY_SERIAL ones lock; VBPF_CONCURRENCY_SHARED ones may be entered by up to
 * VBPF_MAX_THREADS threads at once. No other function may run on an instance while vbpf_instance_window() or
 * vbpf_instance_destroy() runs on it.
 *
 * ABI: structures begin with their size, as the program was compiled with it, and grow at their end only; numbers of
 * constants are never used again.
 */
#ifndef VBPF_LIBVBPF_H
#define VBPF_LIBVBPF_H

#include <stddef.h>
#include <stdint.h>

#include "vbpf/abi.h"
#include "vbpf/export.h"
#include "vbpf/xdp_context.h"

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0": of the library the program runs with. */
VBPF_API const char* vbpf_version(void);

/* ---- Errors ---------------------------------------------------------------------------------- */

typedef struct vbpf_error vbpf_error;

enum vbpf_error_kind {                           /* who has to act */
                       VBPF_ERROR_BAD_INPUT = 1, /* the file or the argument is not usable */
                       VBPF_ERROR_REFUSED = 2,   /* policy: the verifier, privileges, permissions */
                       VBPF_ERROR_MACHINE = 3,   /* this machine cannot: kernel, CPU, resources */
                       VBPF_ERROR_INTERNAL = 4   /* a bug in vBPF */
};

VBPF_API int vbpf_error_get_kind(const vbpf_error* error); /* enum vbpf_error_kind */
/* One line: what is wrong, and what to do. */
VBPF_API const char* vbpf_error_get_message(const vbpf_error* error);
VBPF_API void vbpf_error_free(vbpf_error* error);

/* ---- Extensions ------------------------------------------------------------------------------ */

/* A verified object with its options. */
typedef struct vbpf_extension vbpf_extension;

enum vbpf_confinement {
  VBPF_CONFINE_AUTO = 0, /* the strongest this machine has */
  VBPF_CONFINE_PKU = 1,
  VBPF_CONFINE_SFI = 2,
  VBPF_CONFINE_UNCONFINED = 3
};

/* Begin with: vbpf_options options = VBPF_OPTIONS_INIT; what is 0 has its default. */
typedef struct vbpf_options {
  size_t size;             /* sizeof(vbpf_options) */
  uint32_t confinement;    /* enum vbpf_confinement */
  uint32_t reserved;       /* 0 */
  uint64_t budget_ns;      /* of one invocation; default 10 ms */
  uint64_t init_budget_ns; /* of all global constructors together; default 1 s */
  uint64_t stack_size;     /* bytes; default: as the manifest says */
  uint64_t heap_size;      /* bytes; default: as the manifest says */
  /*
   * Lines the extension logs, `length` bytes, not ended by 0. Called on the thread that called the extension, outside
   * confinement; must not block for long, nor throw. May be called from several threads at a time if instances are.
   */
  void (*log)(void* log_data, const char* line, size_t length);
  void* log_data;
} vbpf_options;
#define VBPF_OPTIONS_INIT {sizeof(vbpf_options), 0, 0, 0, 0, 0, 0, NULL, NULL}

/* `options` may be NULL. The object's memory is not used after the call; `name` is for messages. */
VBPF_API vbpf_extension* vbpf_extension_open(const char* path, const vbpf_options* options, vbpf_error** error);
VBPF_API vbpf_extension* vbpf_extension_open_memory(const void* object, size_t size, const char* name,
                                                    const vbpf_options* options, vbpf_error** error);
/* Its instances go on without it. */
VBPF_API void vbpf_extension_close(vbpf_extension* extension);

VBPF_API const char* vbpf_extension_name(const vbpf_extension* extension);
VBPF_API int vbpf_extension_confinement(const vbpf_extension* extension); /* enum vbpf_confinement, never AUTO */
/* One sentence: why this one. */
VBPF_API const char* vbpf_extension_confinement_reason(const vbpf_extension* extension);
VBPF_API uint32_t vbpf_extension_concurrency(const vbpf_extension* extension); /* VBPF_CONCURRENCY_* */
VBPF_API uint64_t vbpf_extension_stack_size(const vbpf_extension* extension);
VBPF_API uint64_t vbpf_extension_heap_size(const vbpf_extension* extension);
VBPF_API uint64_t vbpf_extension_budget_ns(const vbpf_extension* extension);
VBPF_API size_t vbpf_extension_entry_count(const vbpf_extension* extension);
/* NULL if there are not as many. */
VBPF_API const char* vbpf_extension_entry_hook(const vbpf_extension* extension, size_t index);
VBPF_API const char* vbpf_extension_entry_name(const vbpf_extension* extension, size_t index);

/* ---- Faults ---------------------------------------------------------------------------------- */

/* What ended an invocation. The instance can be called again; its memory is as the invocation left it. */
typedef struct vbpf_fault vbpf_fault;

enum vbpf_fault_kind {
  VBPF_FAULT_BAD_ADDRESS = 1,    /* access outside what the extension may touch */
  VBPF_FAULT_STACK_OVERFLOW = 2, /* the guard of its own stack */
  VBPF_FAULT_DIVIDE_ERROR = 3,
  VBPF_FAULT_UNDEFINED_INSTRUCTION = 4,
  VBPF_FAULT_BAD_RETURN = 5, /* return to something that is no return site */
  VBPF_FAULT_BAD_CALL = 6,   /* indirect call to something that is no function; or the host's own call was wrong */
  VBPF_FAULT_ABORT = 7,      /* C++ abort, failed assertion */
  VBPF_FAULT_HEAP_EXHAUSTED = 8,
  VBPF_FAULT_PURE_VIRTUAL = 9,
  VBPF_FAULT_BUDGET = 10,    /* ran longer than its budget */
  VBPF_FAULT_BAD_IMPORT = 11 /* an import was given memory that is not the extension's */
};

typedef struct vbpf_registers { /* of x86-64, at the fault */
  size_t size;                  /* sizeof(vbpf_registers), set by the caller */
  uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15, rip, rflags;
} vbpf_registers;

VBPF_API int vbpf_fault_get_kind(const vbpf_fault* fault); /* enum vbpf_fault_kind */
VBPF_API const char* vbpf_fault_kind_name(int kind);       /* "bad-address", ... */
/* The data address (bad-address, stack-overflow) or the target (bad-return, bad-call), else that of the instruction. */
VBPF_API uint64_t vbpf_fault_get_address(const vbpf_fault* fault);
/* What lies there, "" where not known. */
VBPF_API const char* vbpf_fault_get_address_is(const vbpf_fault* fault);
/* What the extension said when it gave up, or "". */
VBPF_API const char* vbpf_fault_get_message(const vbpf_fault* fault);
/* Where: the nearest symbol before the instruction ("" if there is none), and how far behind it. */
VBPF_API const char* vbpf_fault_get_symbol(const vbpf_fault* fault);
VBPF_API uint64_t vbpf_fault_get_symbol_offset(const vbpf_fault* fault);
/* "file.cpp:12" if the object has debug information, else "". */
VBPF_API const char* vbpf_fault_get_line(const vbpf_fault* fault);
/* Fills what fits in registers->size. */
VBPF_API void vbpf_fault_get_registers(const vbpf_fault* fault, vbpf_registers* registers);
VBPF_API void vbpf_fault_free(vbpf_fault* fault);

/* ---- Instances ------------------------------------------------------------------------------- */

/* An extension's memory: globals, heap, stack, window. */
typedef struct vbpf_instance vbpf_instance;

#define VBPF_MAX_THREADS 64
#define VBPF_MAX_ARGUMENTS 6

/* One packet of a batch, in the instance's window. */
typedef struct vbpf_xdp_slot {
  struct vbpf_xdp ctx;
  uint32_t verdict; /* after the call: what the entry returned */
  uint32_t reserved[5];
} vbpf_xdp_slot;

/* Maps and links, runs the global constructors; a fault in one is an error. Keeps the extension in memory itself. */
VBPF_API vbpf_instance* vbpf_instance_create(const vbpf_extension* extension, vbpf_error** error);
/* No call may be running in it. */
VBPF_API void vbpf_instance_destroy(vbpf_instance* instance);

/*
 * Memory both sides may touch, zeroed, page aligned, for the life of the instance. The host must treat what it reads
 * there as hostile. `memory` is -1, or a memfd of at least that size whose pages are mapped (the descriptor is not
 * kept).
 */
VBPF_API void* vbpf_instance_window(vbpf_instance* instance, size_t size, int memory, vbpf_error** error);

/* Stores the address of an entry for the calls below. `hook` may be NULL: any. Returns 0, or -1 if there is none. */
VBPF_API int vbpf_instance_entry(const vbpf_instance* instance, const char* name, const char* hook, uint64_t* address,
                                 vbpf_error** error);

/*
 * Calls an entry with up to VBPF_MAX_ARGUMENTS integers or addresses in the instance. Returns 0 and stores what the
 * entry returned, or returns 1 and stores a fault. `value` and `fault` may be NULL.
 */
VBPF_API int vbpf_instance_call(vbpf_instance* instance, uint64_t entry, const uint64_t* arguments, size_t count,
                                uint64_t* value, vbpf_fault** fault);

/*
 * Runs the entry once for each slot, in one crossing; the slots lie in window memory. Each packet is one invocation
 * with its own budget. Returns how many slots were done: fewer than `count` exactly when a fault, which is stored then,
 * ended the one at that index (its verdict is XDP_ABORTED): call again with the rest. `fault` may be NULL.
 */
VBPF_API size_t vbpf_instance_call_xdp(vbpf_instance* instance, uint64_t entry, vbpf_xdp_slot* slots, size_t count,
                                       vbpf_fault** fault);

/* 1 if [address, address + size) is readable or writable memory of this instance, else 0. */
VBPF_API int vbpf_instance_owns(const vbpf_instance* instance, uint64_t address, uint64_t size);

/* ---- Page faults ----------------------------------------------------------------------------- */

/* Resolves page faults of this process by an extension for hook uffd, until it is destroyed. Thread safe. */
typedef struct vbpf_pager vbpf_pager;

enum vbpf_pager_place {
  VBPF_PAGER_AUTOMATIC = 0, /* in the kernel where that can (CAP_SYS_MODULE), else in threads */
  VBPF_PAGER_THREADS = 1,   /* of this process, which read the userfaultfd */
  VBPF_PAGER_KERNEL = 2,    /* at fault time: with the patched kernel and protection keys */
  /* In the thread that faults, in a handler of SIGBUS: see PagerPlace in <vbpf/pager.h> for what that cannot do. */
  VBPF_PAGER_FAULTING_THREAD = 3
};

/* Begin with: vbpf_pager_options options = VBPF_PAGER_OPTIONS_INIT; what is 0 or NULL has its default. */
typedef struct vbpf_pager_options {
  size_t size;           /* sizeof(vbpf_pager_options) */
  const char* entry;     /* the only one in section "uffd" */
  const char* source;    /* a file that the extension may read */
  uint32_t threads;      /* that serve: 1 */
  uint32_t prefetch;     /* pages besides a fault's own, at most: 64 */
  uint32_t max_restarts; /* within a minute, after crashes: 10 */
  uint32_t place;        /* enum vbpf_pager_place */
  /* A line for each crash, restart, and the end. Called on a thread of the pager: see <vbpf/pager.h>. */
  void (*log)(void* log_data, const char* line, size_t length);
  void* log_data;
  uint32_t children; /* 1: vbpf_pager_create() pages children of fork() too, see <vbpf/pager.h> */
  uint32_t reserved; /* 0 */
} vbpf_pager_options;
#define VBPF_PAGER_OPTIONS_INIT {sizeof(vbpf_pager_options), NULL, NULL, 0, 0, 0, 0, NULL, NULL, 0, 0}

/*
 * `memory`: page aligned, of this process, none of it touched yet. It is registered, for missing pages, with a
 * userfaultfd of the pager's, and is plain memory again afterwards. `options` may be NULL. The extension may be closed.
 */
VBPF_API vbpf_pager* vbpf_pager_create(const vbpf_extension* extension, void* memory, size_t size,
                                       const vbpf_pager_options* options, vbpf_error** error);
/* In place of a thread that reads `descriptor`, a userfaultfd of this process after its handshake. It is not closed. */
VBPF_API vbpf_pager* vbpf_uffd_attach(int descriptor, const vbpf_extension* extension,
                                      const vbpf_pager_options* options, vbpf_error** error);
VBPF_API void vbpf_pager_destroy(vbpf_pager* pager);

typedef struct vbpf_pager_stats {
  size_t size;         /* sizeof(vbpf_pager_stats), set by the caller */
  uint64_t faults;     /* of pages */
  uint64_t answered;   /* by the extension */
  uint64_t passed;     /* left to another reader of the descriptor */
  uint64_t prefetched; /* pages nobody had touched */
  uint64_t crashes;    /* of the extension */
} vbpf_pager_stats;
/* enum vbpf_pager_place: where it is. */
VBPF_API int vbpf_pager_get_place(const vbpf_pager* pager);
VBPF_API void vbpf_pager_get_stats(const vbpf_pager* pager, vbpf_pager_stats* stats);

#ifdef __cplusplus
}
#endif

#endif /* VBPF_LIBVBPF_H */
