/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "corpus.h"

static int by_value(const void* a, const void* b) {
  const uint32_t x = *(const uint32_t*)a, y = *(const uint32_t*)b;
  return x < y ? -1 : x > y;
}

static void insertion_sort(uint32_t* numbers, size_t count) {
  for (size_t i = 1; i < count; ++i) {
    const uint32_t number = numbers[i];
    size_t j = i;
    for (; j > 0 && numbers[j - 1] > number; --j) numbers[j] = numbers[j - 1];
    numbers[j] = number;
  }
}

static void quick_sort(uint32_t* first, uint32_t* last) {
  while (last - first > 8) {
    const uint32_t pivot = first[(last - first) / 2];
    uint32_t *low = first, *high = last - 1;
    while (low <= high) {
      while (*low < pivot) ++low;
      while (*high > pivot) --high;
      if (low > high) break;
      const uint32_t kept = *low;
      *low++ = *high;
      *high-- = kept;
    }
    if (high + 1 - first < last - low) {
      quick_sort(first, high + 1);
      first = low;
    } else {
      quick_sort(low, last);
      last = high + 1;
    }
  }
  insertion_sort(first, (size_t)(last - first));
}

CORPUS {
  uint32_t a[1500], b[1500], c[1500];
  const size_t count = size < 1500 ? size : 1500;
  for (size_t i = 0; i < count; ++i) a[i] = b[i] = c[i] = input[i] * 2654435761u >> (i % 9);
  qsort(a, count, sizeof(a[0]), by_value);
  quick_sort(b, b + count);
  insertion_sort(c, count < 300 ? count : 300);
  uint64_t hash = (uint64_t)memcmp(a, b, count * sizeof(a[0]));
  for (size_t i = 0; i < count; ++i) hash = fold(hash, a[i] ^ c[i]);
  const uint32_t key = a[count / 2];
  const uint32_t* found = (const uint32_t*)bsearch(&key, a, count, sizeof(a[0]), by_value);
  return fold(hash, found ? *found : 1);
}
