// SPDX-License-Identifier: Apache-2.0
// What the programs call, small enough to need nothing else. Goes through the rewriter like them.
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>

extern "C" [[noreturn]] void __cxa_pure_virtual() { __builtin_trap(); }

alignas(64) static char arena[64 << 20];
static size_t used;
void* operator new(size_t size) {
  if (size > sizeof arena - used - 64) __builtin_trap();
  void* memory = arena + used;
  used += (size + 63) & ~size_t{63};
  return memory;
}
void* operator new(size_t size, std::align_val_t) { return operator new(size); }  // 64 at most
void operator delete(void*) noexcept {}
void operator delete(void*, std::align_val_t) noexcept {}
void operator delete(void*, size_t, std::align_val_t) noexcept {}
void operator delete(void*, size_t) noexcept {}
void* operator new(size_t size, const std::nothrow_t&) noexcept { return operator new(size); }
void operator delete(void*, const std::nothrow_t&) noexcept {}

// What libc++ keeps in its library.
#ifdef _LIBCPP_VERSION
template class std::basic_string<char>;
const std::nothrow_t std::nothrow{};
_LIBCPP_BEGIN_NAMESPACE_STD
size_t __next_prime(size_t n) {
  for (;; ++n) {
    bool prime = n > 1;
    for (size_t d = 2; d * d <= n && prime; ++d) prime = n % d != 0;
    if (prime) return n;
  }
}
void __libcpp_verbose_abort(const char*, ...) { __builtin_trap(); }
_LIBCPP_END_NAMESPACE_STD
#endif
