/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The userfaultfd hook: an entry in section "uffd" decides how a page fault is resolved, in place of a handler thread
 * that reads the descriptor. C and C++.
 */
#ifndef VBPF_UFFD_H
#define VBPF_UFFD_H

#include <stdint.h>

/* What an entry may answer. Anything else, and a fault of the extension, count as VBPF_UFFD_PASS. */
enum {
  VBPF_UFFD_PASS = 0,      /* not ours: the program's own handler gets it */
  VBPF_UFFD_RESOLVE = 1,   /* map a page with what is in `buffer` (missing pages) */
  VBPF_UFFD_ZERO = 2,      /* map a page of zeros (missing pages) */
  VBPF_UFFD_CONTINUE = 3,  /* map what the page cache has (minor faults) */
  VBPF_UFFD_UNPROTECT = 4, /* let it be written again (write-protect faults) */
  VBPF_UFFD_POISON = 5,    /* who touches it gets SIGBUS, as from broken memory (Linux 6.6) */
};

/* vbpf_uffd.access */
enum {
  VBPF_UFFD_WRITE = 1,    /* the access writes */
  VBPF_UFFD_WP = 2,       /* to a page that is there and write-protected */
  VBPF_UFFD_MINOR = 4,    /* the page is in the page cache, but not mapped */
  VBPF_UFFD_PREFETCH = 8, /* nobody waits for this page: it follows one whose entry asked for `prefetch` */
};

/* One fault. What is not said to be set by the entry is for it to read. */
struct vbpf_uffd {
  uint64_t address;      /* that was touched; its page when the kernel does not say more */
  uint64_t page;         /* a multiple of page_size */
  uint64_t range_start;  /* of the registered range around it, as it was first seen; moves with it */
  uint64_t range_size;   /* bytes */
  uint64_t page_size;    /* bytes */
  uint32_t access;       /* VBPF_UFFD_WRITE | … */
  uint32_t thread;       /* id of who touched it; 0 where the kernel does not say */
  uint8_t* buffer;       /* page_size bytes for VBPF_UFFD_RESOLVE; they hold what the last fault left */
  const uint8_t* source; /* the file of `vbpf load --source`, or null */
  uint64_t source_size;  /* bytes */
  uint32_t prefetch;     /* set: be asked for so many more pages; 0 at first */
  int32_t stride;        /* set: from each of those to the next, in pages; 1 at first */
  uint32_t protect;      /* set: not 0: map the page write-protected, so that writing it is a fault of its own */
};

/* Marks an entry: VBPF_UFFD_ENTRY(name)(struct vbpf_uffd *fault) { ... return VBPF_UFFD_ZERO; } */
#ifdef __cplusplus
#define VBPF_UFFD_ENTRY(name) extern "C" __attribute__((section("uffd"), used, visibility("default"))) int name
#else
#define VBPF_UFFD_ENTRY(name) __attribute__((section("uffd"), used, visibility("default"))) int name
#endif

#endif /* VBPF_UFFD_H */
