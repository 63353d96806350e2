// SPDX-License-Identifier: Apache-2.0
// Wide characters, as far as std::wstring needs them.
#include <stddef.h>

// Not <wchar.h>: for C++ it declares some of these as overloads.
extern "C" {
void* memcpy(void*, const void*, size_t) noexcept;
void* memmove(void*, const void*, size_t) noexcept;

size_t wcslen(const wchar_t* text) noexcept {
  size_t n = 0;
  while (text[n] != 0) ++n;
  return n;
}

wchar_t* wmemchr(const wchar_t* range, wchar_t value, size_t length) noexcept {
  for (; length > 0; ++range, --length) {
    if (*range == value) return const_cast<wchar_t*>(range);
  }
  return nullptr;
}

int wmemcmp(const wchar_t* left, const wchar_t* right, size_t length) noexcept {
  for (; length > 0; ++left, ++right, --length) {
    if (*left != *right) return *left < *right ? -1 : 1;
  }
  return 0;
}

wchar_t* wmemcpy(wchar_t* to, const wchar_t* from, size_t length) noexcept {
  return static_cast<wchar_t*>(memcpy(to, from, length * sizeof(wchar_t)));
}
wchar_t* wmemmove(wchar_t* to, const wchar_t* from, size_t length) noexcept {
  return static_cast<wchar_t*>(memmove(to, from, length * sizeof(wchar_t)));
}
wchar_t* wmemset(wchar_t* to, wchar_t value, size_t length) noexcept {
  for (size_t i = 0; i < length; ++i) to[i] = value;
  return to;
}

}  // extern "C"
