/* SPDX-License-Identifier: Apache-2.0 */
#include "corpus.h"

/* LZ77 with a window of 255 bytes, and back. */
static size_t compress(const uint8_t* in, size_t size, uint8_t* out) {
  size_t written = 0;
  for (size_t at = 0; at < size;) {
    size_t best = 0, distance = 0;
    for (size_t back = 1; back <= at && back < 256; ++back) {
      size_t length = 0;
      while (at + length < size && length < 255 && in[at + length - back] == in[at + length]) ++length;
      if (length > best) best = length, distance = back;
    }
    if (best >= 3) {
      out[written++] = (uint8_t)distance;
      out[written++] = (uint8_t)best;
      at += best;
    } else {
      out[written++] = 0;
      out[written++] = in[at++];
    }
  }
  return written;
}

static size_t decompress(const uint8_t* in, size_t size, uint8_t* out) {
  size_t written = 0;
  for (size_t at = 0; at < size; at += 2) {
    if (in[at] == 0) {
      out[written++] = in[at + 1];
    } else {
      for (unsigned i = 0; i < in[at + 1]; ++i, ++written) out[written] = out[written - in[at]];
    }
  }
  return written;
}

CORPUS {
  static uint8_t small[4096], packed[8192], whole[4096];
  for (size_t i = 0; i < size; ++i) small[i] = input[i] % 3;
  const size_t length = compress(small, size, packed);
  uint64_t hash = fold(length, decompress(packed, length, whole) == size);
  for (size_t i = 0; i < length; ++i) hash = fold(hash, packed[i]);
  return fold(hash, (uint64_t)memcmp(small, whole, size));
}
