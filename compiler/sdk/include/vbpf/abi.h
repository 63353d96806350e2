/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract between an extension object, the verifier and the engines.
 *
 * Everything that two of them must agree on is in this file: section names, the manifest,
 * the layout of the region an extension lives in, and the marks in its target map. It is C so that
 * extensions, the host library, assembly (guarded by __ASSEMBLER__) and the kernel can all include it.
 */
#ifndef VBPF_ABI_H
#define VBPF_ABI_H

#define VBPF_ABI_VERSION 1

/* ---- Sections of an extension object --------------------------------------------------------- */

/* The manifest (struct vbpf_manifest). At most one; without it the defaults below hold. */
#define VBPF_SECTION_MANIFEST "vbpf.manifest"
/* Map descriptors (struct vbpf_map), one after the other; read-only. */
#define VBPF_SECTION_MAPS "vbpf.maps"
/*
 * An extension object is an ordinary ELF64 relocatable object: its own code is the `user` variant.
 * Every further variant is a complete ELF64 relocatable object of its own, carried as the bytes of a
 * section that is not allocated.
 */
#define VBPF_SECTION_VARIANT_SFI "vbpf.variant.sfi"
#define VBPF_SECTION_VARIANT_KERNEL "vbpf.variant.kernel"
/* Why a variant is not in the object: text, not allocated, e.g. "vbpf.missing.sfi". */
#define VBPF_SECTION_MISSING_SFI "vbpf.missing.sfi"
#define VBPF_SECTION_MISSING_KERNEL "vbpf.missing.kernel"

/* ---- Manifest -------------------------------------------------------------------------------- */

#define VBPF_MANIFEST_MAGIC 0x46504256u /* "VBPF" */

#define VBPF_CONCURRENCY_PER_CPU 0u /* one instance per queue, CPU or thread: the default */
#define VBPF_CONCURRENCY_SHARED 1u  /* one instance, entered concurrently */
#define VBPF_CONCURRENCY_SERIAL 2u  /* one instance behind a lock */

#define VBPF_STACK_SIZE_DEFAULT (64ull << 10)
#define VBPF_STACK_SIZE_MIN (4ull << 10)
#define VBPF_STACK_SIZE_MAX (8ull << 20)
#define VBPF_HEAP_SIZE_DEFAULT (64ull << 20)
#define VBPF_HEAP_SIZE_MAX (1ull << 30)

/*
 * How much of a packet an XDP entry needs: all of its linear part, nothing, or so many bytes at most. An engine that
 * copies packets (the kernel's) copies no more; one that works on them in place shows all. With READ_ONLY beside it
 * (`|`), the entry changes nothing: what it changes anyway may be lost. So it is with nothing.
 */
#define VBPF_PACKET_ALL 0u
#define VBPF_PACKET_NOTHING 0x7fffffffu
#define VBPF_PACKET_READ_ONLY 0x80000000u
#define VBPF_PACKET_BYTES_MAX 8192u

#ifndef __ASSEMBLER__
#include <stdint.h>

/* Little-endian, 8-byte aligned, `size` is sizeof(struct vbpf_manifest) as the author's compiler saw it. */
struct vbpf_manifest {
  uint32_t magic;       /* VBPF_MANIFEST_MAGIC */
  uint16_t abi_version; /* VBPF_ABI_VERSION */
  uint16_t size;        /* bytes of this structure */
  uint32_t concurrency; /* VBPF_CONCURRENCY_* */
  uint32_t packet;      /* VBPF_PACKET_*, or bytes */
  uint64_t stack_size;  /* bytes, 0 = default */
  uint64_t heap_size;   /* bytes at most, 0 = default */
  uint64_t privileges;  /* none are defined yet: 0 */
};

/* ---- Maps ------------------------------------------------------------------------------------ */

/* What an extension wants a BPF map to be. The address of its descriptor is the map's name for vbpf_map_lookup(). */
struct vbpf_map {
  uint32_t type;       /* VBPF_MAP_HASH, VBPF_MAP_ARRAY: the numbers of enum bpf_map_type */
  uint32_t key_size;   /* bytes; of an array 4 */
  uint32_t value_size; /* bytes */
  uint32_t max_entries;
  char name[16]; /* as bpftool shows it: letters, digits, _ and .; filled with zeros, at least one */
};
#endif

#define VBPF_MAP_HASH 1u
#define VBPF_MAP_ARRAY 2u
#define VBPF_MAPS_MAX 32 /* of one extension */
#define VBPF_MAP_KEY_SIZE_MAX 512u
#define VBPF_MAP_VALUE_SIZE_MAX 4096u

/* Why an extension gave up: the first argument of vbpf_abort(). */
#define VBPF_ABORT_ABORT 0u          /* abort(), std::terminate, a failed assertion */
#define VBPF_ABORT_HEAP_EXHAUSTED 1u /* operator new found no memory */
#define VBPF_ABORT_PURE_VIRTUAL 2u   /* a pure virtual function was called */
/* Used by the loader's thunks: the target was not in the target map. The third argument is the target. */
#define VBPF_ABORT_BAD_RETURN 16u
#define VBPF_ABORT_BAD_CALL 17u

/* ---- The region ------------------------------------------------------------------------------ */

/*
 * An instance lives in a region of 4 GiB of address space, aligned to 4 GiB, with a guard zone of
 * VBPF_REGION_GUARD bytes without access on either side. All engines in a process use this layout; pointers are
 * ordinary 64-bit addresses (region base + offset). Offsets:
 */
#define VBPF_REGION_SIZE 0x100000000ull
#define VBPF_REGION_GUARD 0x100000ull /* 1 MiB before and after, never mapped */

#define VBPF_OFF_NULL_GUARD 0x00000000ull /* 64 KiB, never mapped: null pointers fault in SFI too */
#define VBPF_OFF_INFO 0x00010000ull       /* struct vbpf_region_info, one page, read-only */
#define VBPF_OFF_THUNKS 0x00011000ull     /* loader's code: thunks, trampolines, import stubs; read + execute */
#define VBPF_THUNKS_SIZE 0x0000f000ull    /* at most */
#define VBPF_OFF_IMAGE 0x00100000ull      /* the linked image: text, read-only data, data, bss */
#define VBPF_IMAGE_SIZE_MAX 0x08000000ull /* 128 MiB */
#define VBPF_OFF_TARGET_MAP 0x10000000ull /* one byte per byte of text, read-only: VBPF_TARGET_* */
#define VBPF_OFF_STACKS 0x20000000ull     /* stacks, each with a guard page below and above */
#define VBPF_OFF_HEAP 0x40000000ull       /* heap, grown by touching it, VBPF_HEAP_SIZE_MAX at most */
#define VBPF_OFF_WINDOW 0x80000000ull     /* buffers shared with the host: contexts, packets */
#define VBPF_WINDOW_SIZE_MAX 0x7ff00000ull
/* The last 1 MiB of the region is never mapped. */

/* Marks in the target map. An address may carry both. */
#define VBPF_TARGET_RETURN 0x01 /* follows a call: the return thunk may go there */
#define VBPF_TARGET_ENTRY 0x02  /* a function whose address is taken: the indirect thunks may go there */

/* ---- SFI ------------------------------------------------------------------------------------- */

/*
 * In the `sfi` variant an adjustment of %rsp by a constant may be at most this many bytes (less than the guard
 * zone), and the region's base is read from %gs:VBPF_OFF_INFO, the first field of struct vbpf_region_info.
 * docs/sfi.md states the rules.
 */
#define VBPF_SFI_MAX_STACK_STEP 0x10000

/* ---- Symbols the loader supplies ------------------------------------------------------------- */

/* Thunks: __x86_return_thunk and __x86_indirect_thunk_<reg> for the 64-bit general registers but rsp. */
#define VBPF_THUNK_REGISTERS(X) \
  X(rax) X(rcx) X(rdx) X(rbx) X(rbp) X(rsi) X(rdi) X(r8) X(r9) X(r10) X(r11) X(r12) X(r13) X(r14) X(r15)
/* Data symbols (addresses): the heap's first byte and the first byte after its limit. */
#define VBPF_SYMBOL_HEAP_START "__vbpf_heap_start"
#define VBPF_SYMBOL_HEAP_END "__vbpf_heap_end"
/* Imports: functions of the host, see imports.def. */

#endif /* VBPF_ABI_H */
