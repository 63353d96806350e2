// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <memory>
#include <new>

#include "corpus.h"

namespace {
struct alignas(64) Line {
  uint8_t bytes[64];
};
struct Block {
  uint8_t* data = nullptr;
  size_t size = 0;
  uint8_t mark = 0;
};
bool intact(const Block& block) {
  for (size_t i = 0; i < block.size; ++i) {
    if (block.data[i] != block.mark) return false;
  }
  return true;
}
}  // namespace

// Allocates, grows and frees blocks of 1 byte to 64 KiB in random order; no block may change another.
CORPUS {
  Block blocks[64];
  uint64_t random = size * 1000003u + input[0] + 1u, hash = 1;
  for (int step = 0; step < 1500; ++step) {
    Block& block = blocks[next_random(&random) % 64];
    hash = fold(hash, intact(block));
    const size_t wanted = size_t{1} << next_random(&random) % 17;
    if (next_random(&random) % 3 == 0) {
      free(block.data);
      block = {};
    } else {
      auto* grown = static_cast<uint8_t*>(realloc(block.data, wanted));
      if (!grown) return 0;
      const size_t kept = wanted < block.size ? wanted : block.size;
      for (size_t i = 0; i < kept; ++i) hash += grown[i] != block.mark;
      block = {grown, wanted, static_cast<uint8_t>(step)};
      memset(grown, block.mark, wanted);
    }
  }
  for (Block& block : blocks) free(block.data);
  auto* zeroed = static_cast<uint64_t*>(calloc(1000, 8));
  for (int i = 0; i < 1000; ++i) hash = fold(hash, zeroed[i]);
  free(zeroed);
  for (int i = 0; i < 50; ++i) {
    auto line = std::make_unique<Line>();
    hash = fold(hash, reinterpret_cast<uintptr_t>(line.get()) % 64);
  }
  void* aligned = aligned_alloc(4096, 8192);
  hash = fold(hash, reinterpret_cast<uintptr_t>(aligned) % 4096);
  free(aligned);
  char* last = new (std::nothrow) char[100];
  hash = fold(hash, last == nullptr);
  delete[] last;
  return hash;
}
