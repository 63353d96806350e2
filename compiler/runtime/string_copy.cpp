// SPDX-License-Identifier: Apache-2.0
// C strings: copying.
#include <stdlib.h>
#include <string.h>

extern "C" {

char* stpcpy(char* __restrict to, const char* __restrict from) noexcept {
  size_t length = strlen(from);
  memcpy(to, from, length + 1);
  return to + length;
}

char* strcpy(char* __restrict to, const char* __restrict from) noexcept {
  stpcpy(to, from);
  return to;
}

char* strncpy(char* __restrict to, const char* __restrict from, size_t limit) noexcept {
  size_t length = strnlen(from, limit);
  memcpy(to, from, length);
  memset(to + length, 0, limit - length);
  return to;
}

char* strcat(char* __restrict to, const char* __restrict from) noexcept {
  strcpy(to + strlen(to), from);
  return to;
}

char* strncat(char* __restrict to, const char* __restrict from, size_t limit) noexcept {
  size_t length = strnlen(from, limit);
  char* end = to + strlen(to);
  memcpy(end, from, length);
  end[length] = 0;
  return to;
}

char* strndup(const char* text, size_t limit) noexcept {
  size_t length = strnlen(text, limit);
  auto* copy = static_cast<char*>(malloc(length + 1));
  if (copy == nullptr) return nullptr;
  memcpy(copy, text, length);
  copy[length] = 0;
  return copy;
}

char* strdup(const char* text) noexcept { return strndup(text, strlen(text)); }

}  // extern "C"
