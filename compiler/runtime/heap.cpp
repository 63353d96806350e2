// SPDX-License-Identifier: Apache-2.0
// malloc: small sizes from slabs of one size class each, larger ones from runs of pages.
//
// One lock guards all: per_cpu and serial instances never wait for it, shared ones hold it for a few dozen
// instructions. An invocation that is ended while it holds the lock leaves a shared instance's heap locked; the engine
// restarts the instance.
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "page_heap.h"

namespace {

using namespace vbpf::rt;

constexpr size_t small_max = 8192;
// Multiples of 16 up to 256, then four steps per doubling.
constexpr uint16_t class_sizes[] = {16,   32,   48,   64,   80,   96,   112,  128,  144,  160,  176,  192,
                                    208,  224,  240,  256,  320,  384,  448,  512,  640,  768,  896,  1024,
                                    1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096, 5120, 6144, 7168, 8192};
constexpr unsigned classes = sizeof(class_sizes) / sizeof(class_sizes[0]);

uint32_t partial[classes];  // slabs with a free object
unsigned char locked;

class Lock {
 public:
  Lock() {
    while (__atomic_exchange_n(&locked, 1, __ATOMIC_ACQUIRE) != 0) {
      while (__atomic_load_n(&locked, __ATOMIC_RELAXED) != 0) __builtin_ia32_pause();
    }
  }
  ~Lock() { __atomic_store_n(&locked, 0, __ATOMIC_RELEASE); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
};

unsigned class_of(size_t size) {
  if (size <= 256) return static_cast<unsigned>((size + 15) / 16 - 1);
  unsigned log = 63 - static_cast<unsigned>(__builtin_clzll(size - 1));  // 2^log < size <= 2^(log+1)
  return 16 + (log - 8) * 4 + static_cast<unsigned>(((size - 1) >> (log - 2)) & 3);
}

uint32_t slab_pages(unsigned size_class) {
  size_t size = class_sizes[size_class];
  return size <= 512 ? 1 : size <= 2048 ? 4 : 8;
}

void link_slab(uint32_t page, unsigned size_class) {
  PageInfo& info = page_info(page);
  info.previous = 0;
  info.next = partial[size_class];
  if (info.next != 0) page_info(info.next).previous = page;
  partial[size_class] = page;
}

void unlink_slab(uint32_t page, unsigned size_class) {
  PageInfo& info = page_info(page);
  if (info.next != 0) page_info(info.next).previous = info.previous;
  if (info.previous != 0) {
    page_info(info.previous).next = info.next;
  } else {
    partial[size_class] = info.next;
  }
}

// Pages, if need be after giving back the slabs that are kept empty.
uint32_t take_pages(size_t count) {
  uint32_t page = allocate_pages(count);
  if (page != 0) return page;
  bool freed = false;
  for (unsigned size_class = 0; size_class < classes; ++size_class) {
    uint32_t slab = partial[size_class];
    while (slab != 0) {
      uint32_t next = page_info(slab).next;
      if (page_info(slab).used == 0) {
        unlink_slab(slab, size_class);
        free_pages(slab);
        freed = true;
      }
      slab = next;
    }
  }
  return freed ? allocate_pages(count) : 0;
}

uint32_t new_slab(unsigned size_class) {
  uint32_t pages = slab_pages(size_class);
  uint32_t page = take_pages(pages);
  if (page == 0) return 0;
  for (uint32_t i = 1; i < pages; ++i) {
    page_info(page + i).kind = PageKind::inside;
    page_info(page + i).first = page;
  }
  PageInfo& info = page_info(page);
  info.kind = PageKind::slab;
  info.size_class = static_cast<uint8_t>(size_class);
  info.used = 0;
  size_t size = class_sizes[size_class], count = pages * page_size / size;
  auto* base = static_cast<char*>(page_address(page));
  void* next = nullptr;
  for (size_t i = count; i-- > 0;) {
    *reinterpret_cast<void**>(base + i * size) = next;
    next = base + i * size;
  }
  info.objects = next;
  link_slab(page, size_class);
  return page;
}

void* allocate_small(unsigned size_class) {
  uint32_t page = partial[size_class];
  if (page == 0) page = new_slab(size_class);
  if (page == 0) return nullptr;
  PageInfo& info = page_info(page);
  void* object = info.objects;
  info.objects = *static_cast<void**>(object);
  ++info.used;
  if (info.objects == nullptr) unlink_slab(page, size_class);
  return object;
}

void free_small(uint32_t page, void* object) {
  PageInfo& info = page_info(page);
  unsigned size_class = info.size_class;
  bool was_full = info.objects == nullptr;
  *static_cast<void**>(object) = info.objects;
  info.objects = object;
  --info.used;
  if (was_full) link_slab(page, size_class);
  // The last slab of a class stays, so that allocating and freeing one object in turn is cheap.
  bool alone = partial[size_class] == page && info.next == 0;
  if (info.used == 0 && !alone) {
    unlink_slab(page, size_class);
    free_pages(page);
  }
}

// The first page of the run or slab that the object is in.
uint32_t owner_of(const void* object) {
  uint32_t page = page_of(object);
  return page_info(page).kind == PageKind::inside ? page_info(page).first : page;
}

size_t usable_size(const void* object) {
  const PageInfo& info = page_info(owner_of(object));
  return info.kind == PageKind::slab ? class_sizes[info.size_class] : info.length * page_size;
}

size_t pages_for(size_t size) { return size / page_size + (size % page_size != 0); }

void* allocate(size_t size) {
  if (size == 0) size = 1;
  Lock lock;
  if (size <= small_max) return allocate_small(class_of(size));
  uint32_t page = take_pages(pages_for(size));
  return page != 0 ? page_address(page) : nullptr;
}

// More pages than asked for, of which the ends that do not matter are given back.
void* allocate_aligned_pages(size_t alignment, size_t size) {
  size_t count = pages_for(size), slack = alignment / page_size;
  if (count + slack < count) return nullptr;
  Lock lock;
  uint32_t page = take_pages(count + slack);
  if (page == 0) return nullptr;
  auto address = reinterpret_cast<uintptr_t>(page_address(page));
  auto skip = static_cast<uint32_t>((((address + alignment - 1) & ~(alignment - 1)) - address) / page_size);
  uint32_t length = page_info(page).length;
  if (skip > 0) {
    PageInfo& rest = page_info(page + skip);
    rest.kind = PageKind::large;
    rest.length = length - skip;
    PageInfo& head = page_info(page);
    head.length = skip;
    if (skip > 1) page_info(page + skip - 1).kind = PageKind::inside;
    free_pages(page);
    page += skip;
  }
  resize_pages(page, count);
  return page_address(page);
}

void* allocate_aligned(size_t alignment, size_t size) {
  if (alignment <= 16) return allocate(size);
  if (size == 0) size = 1;
  if (size > small_max || alignment > small_max / 2)
    return allocate_aligned_pages(alignment < page_size ? page_size : alignment, size);
  // Objects of a slab begin at multiples of their size from a page boundary.
  for (unsigned size_class = class_of(size); alignment <= page_size && size_class < classes; ++size_class) {
    if (class_sizes[size_class] % alignment != 0) continue;
    Lock lock;
    return allocate_small(size_class);
  }
  return allocate_aligned_pages(alignment < page_size ? page_size : alignment, size);
}

}  // namespace

extern "C" {

void* malloc(size_t size) noexcept {
  void* object = allocate(size);
  if (object == nullptr) errno = ENOMEM;
  return object;
}

void free(void* object) noexcept {
  if (object == nullptr) return;
  Lock lock;
  uint32_t page = owner_of(object);
  if (page_info(page).kind == PageKind::slab) {
    free_small(page, object);
  } else {
    free_pages(page);
  }
}

void* calloc(size_t count, size_t size) noexcept {
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  void* object = malloc(bytes);
  if (object != nullptr) memset(object, 0, bytes);
  return object;
}

void* realloc(void* object, size_t size) noexcept {
  if (object == nullptr) return malloc(size);
  if (size == 0) size = 1;
  size_t have = 0;
  {
    Lock lock;
    have = usable_size(object);
    if (size <= have && size > have / 2) return object;
    if (have > small_max && size > small_max && resize_pages(owner_of(object), pages_for(size))) return object;
  }
  void* moved = malloc(size);
  if (moved == nullptr) return size <= have ? object : nullptr;
  memcpy(moved, object, size < have ? size : have);
  free(object);
  return moved;
}

void* aligned_alloc(size_t alignment, size_t size) noexcept {
  void* object = (alignment & (alignment - 1)) == 0 ? allocate_aligned(alignment, size) : nullptr;
  if (object == nullptr) errno = ENOMEM;
  return object;
}

int posix_memalign(void** result, size_t alignment, size_t size) noexcept {
  if (alignment < sizeof(void*) || (alignment & (alignment - 1)) != 0) return EINVAL;
  void* object = allocate_aligned(alignment, size);
  if (object == nullptr) return ENOMEM;
  *result = object;
  return 0;
}

size_t malloc_usable_size(void* object) noexcept {
  if (object == nullptr) return 0;
  Lock lock;
  return usable_size(object);
}

}  // extern "C"
