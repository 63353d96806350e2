// SPDX-License-Identifier: Apache-2.0
// The lower layer of the heap: runs of 4 KiB pages.
//
// [__vbpf_heap_start, __vbpf_heap_end) is a table with one PageInfo per page, then the pages. Pages from `top` on have
// never been used; a free run below `top` is never adjacent to another free run or to `top`. Nothing here locks: the
// caller holds the heap's lock.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace vbpf::rt {

constexpr size_t page_size = 4096;

enum class PageKind : uint8_t { inside, free, large, slab };

// Of a run's first page: everything. Of the others: `kind` is `inside`; a slab's have `first`, a free run's last has
// `length`.
struct PageInfo {
  PageKind kind;
  uint8_t size_class;       // slab
  uint16_t used;            // slab: objects handed out
  uint32_t length;          // pages of the run
  uint32_t next, previous;  // links of the free list or of the class's list of slabs; 0 is none
  union {
    void* objects;   // slab: free objects
    uint32_t first;  // page inside a slab: the slab's first page
  };
};

// Indices of pages; 0 is never handed out.
uint32_t allocate_pages(size_t count);
void free_pages(uint32_t first);
// Gives back what follows the first `count` pages of a large run, or takes free pages that follow it; false if it
// cannot.
bool resize_pages(uint32_t first, size_t count);

PageInfo& page_info(uint32_t page);
void* page_address(uint32_t page);
uint32_t page_of(const void* address);

}  // namespace vbpf::rt
