// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include <new>
#include <vector>

#include "check.h"

namespace {
struct Block {
  unsigned char* at;
  size_t size;
  unsigned char fill;
};
bool intact(const Block& b) {
  for (size_t i = 0; i < b.size; ++i)
    if (b.at[i] != b.fill) return false;
  return true;
}
}  // namespace

// Random sizes and orders; a block that another one overlaps shows it by its bytes.
FACILITY(heap_random) {
  static Block blocks[300];
  uint64_t random = seed * 2 + 1;
  for (int round = 0; round < 30000; ++round) {
    random = random * 6364136223846793005ull + 1442695040888963407ull;
    Block& b = blocks[(random >> 33) % 300];
    uint64_t pick = random >> 40;
    size_t size = pick % 16 == 0 ? pick % 70000 : pick % 16 < 4 ? pick % 9000 : pick % 300;
    if (b.at != nullptr && pick % 5 == 0) {
      auto* moved = static_cast<unsigned char*>(realloc(b.at, size));
      CHECK(moved != nullptr);
      Block kept{moved, size < b.size ? size : b.size, b.fill};
      CHECK(intact(kept));
      b.at = moved;
    } else {
      CHECK(b.at == nullptr || intact(b));
      free(b.at);
      size_t alignment = size_t{16} << (pick % 37 == 0 ? pick / 37 % 10 : 0);
      b.at = static_cast<unsigned char*>(alignment > 16 ? aligned_alloc(alignment, size) : malloc(size));
      CHECK(b.at != nullptr && reinterpret_cast<uintptr_t>(b.at) % alignment == 0);
    }
    b.size = size;
    b.fill = static_cast<unsigned char>(random >> 56);
    memset(b.at, b.fill, size);
  }
  for (Block& b : blocks) {
    CHECK(b.at == nullptr || intact(b));
    free(b.at);
    b.at = nullptr;
  }
  return 0;
}

// All of the heap can be taken, given back, and taken again in another size.
FACILITY(heap_exhaustion) {
  size_t most = 0;
  for (size_t size : {size_t{16}, size_t{1000}, size_t{100000}, size_t{16}}) {
    void* head = nullptr;
    size_t total = 0;
    while (void* p = malloc(size)) {
      *static_cast<void**>(p) = head;
      head = p;
      total += size;
    }
    CHECK(total > (48u << 20));
    most = total > most ? total : most;
    while (head != nullptr) {
      void* next = *static_cast<void**>(head);
      free(head);
      head = next;
    }
  }
  void* large = opaque(malloc(60u << 20));  // else the compiler knows that nobody sees it
  CHECK(large != nullptr && opaque(malloc(60u << 20)) == nullptr);
  free(large);
  CHECK(opaque(malloc(~size_t{0})) == nullptr && opaque(calloc(~size_t{0}, 2)) == nullptr);
  CHECK(opaque(malloc(~size_t{0} - 4096)) == nullptr && opaque(new (std::nothrow) char[size_t{1} << 40]) == nullptr);
  auto* zeros = static_cast<unsigned char*>(calloc(1000, 10));
  for (int i = 0; i < 10000; ++i) CHECK(zeros[i] == 0);
  free(zeros);
  return 0;
}

FACILITY(zz_new_that_fails) {
  std::vector<char*> keep;
  while (true) keep.push_back(new char[opaque(1 << 20)]);
}
