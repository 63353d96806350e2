// SPDX-License-Identifier: Apache-2.0
// What the programs call of C, small enough to need nothing else. Goes through the rewriter like them.
#include <stddef.h>
#include <stdint.h>

void* memcpy(void* to, const void* from, size_t count) {
  char* out = to;
  for (const char* in = from; count != 0; --count) *out++ = *in++;
  return to;
}

void* memmove(void* to, const void* from, size_t count) {
  char* out = to;
  const char* in = from;
  if (out <= in) return memcpy(to, from, count);
  while (count-- != 0) out[count] = in[count];
  return to;
}

void* memset(void* to, int value, size_t count) {
  for (char* out = to; count != 0; --count) *out++ = (char)value;
  return to;
}

int memcmp(const void* a, const void* b, size_t count) {
  const unsigned char *x = a, *y = b;
  for (; count != 0; --count, ++x, ++y)
    if (*x != *y) return *x - *y;
  return 0;
}

int bcmp(const void* a, const void* b, size_t count) { return memcmp(a, b, count); }

void* memchr(const void* from, int value, size_t count) {
  for (const char* in = from; count != 0; --count, ++in)
    if (*in == (char)value) return (void*)in;
  return NULL;
}

size_t strlen(const char* text) {
  size_t length = 0;
  while (text[length] != 0) ++length;
  return length;
}

float ceilf(float value) {  // load factors: small and positive
  float whole = (float)(int64_t)value;
  return whole < value ? whole + 1 : whole;
}

_Noreturn void abort(void) { __builtin_trap(); }
