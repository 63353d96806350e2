// SPDX-License-Identifier: Apache-2.0
// qsort and bsearch.
#include <stdlib.h>
#include <string.h>

namespace {

using Compare = int (*)(const void*, const void*);

void swap_bytes(char* a, char* b, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    char t = a[i];
    a[i] = b[i];
    b[i] = t;
  }
}

void sift_down(char* base, size_t root, size_t count, size_t size, Compare compare) {
  while (2 * root + 1 < count) {
    size_t child = 2 * root + 1;
    if (child + 1 < count && compare(base + child * size, base + (child + 1) * size) < 0) ++child;
    if (compare(base + root * size, base + child * size) >= 0) return;
    swap_bytes(base + root * size, base + child * size, size);
    root = child;
  }
}

}  // namespace

extern "C" {

// Heap sort: n log n whatever the input (which may come from a packet), and no stack.
void qsort(void* array, size_t count, size_t size, Compare compare) {
  auto* base = static_cast<char*>(array);
  for (size_t i = count / 2; i-- > 0;) sift_down(base, i, count, size, compare);
  for (size_t left = count; left-- > 1;) {
    swap_bytes(base, base + left * size, size);
    sift_down(base, 0, left, size, compare);
  }
}

void* bsearch(const void* key, const void* array, size_t count, size_t size, Compare compare) {
  auto* base = static_cast<const char*>(array);
  while (count > 0) {
    const char* middle = base + count / 2 * size;
    int order = compare(key, middle);
    if (order == 0) return const_cast<char*>(middle);
    if (order > 0) {
      base = middle + size;
      count -= count / 2 + 1;
    } else {
      count /= 2;
    }
  }
  return nullptr;
}

}  // extern "C"
