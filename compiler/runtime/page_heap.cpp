// SPDX-License-Identifier: Apache-2.0
#include "page_heap.h"

extern "C" char __vbpf_heap_start[], __vbpf_heap_end[];

namespace vbpf::rt {
namespace {

constexpr unsigned bins = 20;  // by the logarithm of the length: up to 2^19 pages and more

uint32_t free_lists[bins];
uint32_t top;    // 0 until the first allocation
uint32_t limit;  // one past the last page

PageInfo* table() { return reinterpret_cast<PageInfo*>(__vbpf_heap_start); }

unsigned bin_of(uint32_t length) {
  unsigned bin = 31 - static_cast<unsigned>(__builtin_clz(length));
  return bin < bins ? bin : bins - 1;
}

void set_up() {
  auto size = static_cast<size_t>(__vbpf_heap_end - __vbpf_heap_start);
  limit = static_cast<uint32_t>(size / page_size);
  size_t table_bytes = (static_cast<size_t>(limit) + 1) * sizeof(PageInfo);
  top = static_cast<uint32_t>((table_bytes + page_size - 1) / page_size);
  // The page before the first is never free: looking back stops there.
  table()[top - 1].kind = PageKind::inside;
  if (top > limit) top = limit;
}

void unlink(uint32_t page) {
  PageInfo& info = table()[page];
  if (info.next != 0) table()[info.next].previous = info.previous;
  if (info.previous != 0) {
    table()[info.previous].next = info.next;
  } else {
    free_lists[bin_of(info.length)] = info.next;
  }
}

void link(uint32_t page, uint32_t length) {
  PageInfo& info = table()[page];
  uint32_t& head = free_lists[bin_of(length)];
  info.kind = PageKind::free;
  info.length = length;
  info.previous = 0;
  info.next = head;
  if (head != 0) table()[head].previous = page;
  head = page;
  PageInfo& last = table()[page + length - 1];
  last.length = length;
  last.kind = PageKind::free;
}

void take(uint32_t page, uint32_t length) {
  PageInfo& info = table()[page];
  info.kind = PageKind::large;
  info.length = length;
  if (length > 1) table()[page + length - 1].kind = PageKind::inside;
}

// First fit in the bin of this length, any run of a higher bin.
uint32_t find(uint32_t count) {
  unsigned bin = bin_of(count);
  for (uint32_t page = free_lists[bin]; page != 0; page = table()[page].next) {
    if (table()[page].length >= count) return page;
  }
  for (++bin; bin < bins; ++bin) {
    if (free_lists[bin] != 0) return free_lists[bin];
  }
  return 0;
}

// A run that is neither linked nor adjacent to `top`.
void release(uint32_t page, uint32_t length) {
  if (page + length == top) {
    top = page;
  } else {
    link(page, length);
  }
}

}  // namespace

uint32_t allocate_pages(size_t count) {
  if (top == 0) set_up();
  if (count == 0 || count > limit) return 0;
  auto length = static_cast<uint32_t>(count);
  uint32_t page = find(length);
  if (page != 0) {
    uint32_t have = table()[page].length;
    unlink(page);
    if (have > length) link(page + length, have - length);
  } else if (limit - top >= length) {
    page = top;
    top += length;
  } else {
    return 0;
  }
  take(page, length);
  return page;
}

void free_pages(uint32_t first) {
  uint32_t length = table()[first].length;
  uint32_t after = first + length;
  if (after < top && table()[after].kind == PageKind::free) {
    length += table()[after].length;
    unlink(after);
  }
  // The page before is the last of its run: free there means a free run, which says its length.
  if (table()[first - 1].kind == PageKind::free) {
    uint32_t before = table()[first - 1].length;
    first -= before;
    length += before;
    unlink(first);
  }
  release(first, length);
}

bool resize_pages(uint32_t first, size_t count) {
  uint32_t have = table()[first].length;
  if (count == 0 || count > limit) return false;
  auto want = static_cast<uint32_t>(count);
  if (want == have) return true;
  uint32_t after = first + have;
  if (want < have) {
    take(first + want, have - want);
    take(first, want);
    free_pages(first + want);
    return true;
  }
  if (after == top) {
    if (limit - top < want - have) return false;
    top += want - have;
  } else {
    PageInfo& next = table()[after];
    if (next.kind != PageKind::free || next.length < want - have) return false;
    uint32_t rest = next.length - (want - have);
    unlink(after);
    if (rest > 0) link(after + (want - have), rest);
  }
  table()[after].kind = PageKind::inside;
  take(first, want);
  return true;
}

PageInfo& page_info(uint32_t page) { return table()[page]; }
void* page_address(uint32_t page) { return __vbpf_heap_start + static_cast<size_t>(page) * page_size; }
uint32_t page_of(const void* address) {
  return static_cast<uint32_t>(static_cast<size_t>(static_cast<const char*>(address) - __vbpf_heap_start) / page_size);
}

}  // namespace vbpf::rt
