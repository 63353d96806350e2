// SPDX-License-Identifier: Apache-2.0
// operator new and delete. Without exceptions a failing new ends the invocation, with a report that says why.
#include <stdlib.h>
#include <vbpf/abi.h>
#include <vbpf/vbpf.h>

#include <new>

namespace {

void* checked(void* object, const void* caller) {
  if (object == nullptr) {
    constexpr char message[] = "operator new: the heap is exhausted; raise .heap_size in VBPF_MANIFEST";
    vbpf_abort(VBPF_ABORT_HEAP_EXHAUSTED, message, sizeof(message) - 1, caller);
  }
  return object;
}

size_t to_size(std::align_val_t alignment) { return static_cast<size_t>(alignment); }

}  // namespace

namespace std {
const nothrow_t nothrow{};
}

#pragma clang diagnostic ignored "-Winline-new-delete"
void* operator new(size_t size) { return checked(malloc(size), __builtin_return_address(0)); }
void* operator new[](size_t size) { return checked(malloc(size), __builtin_return_address(0)); }
void* operator new(size_t size, const std::nothrow_t&) noexcept { return malloc(size); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept { return malloc(size); }
void* operator new(size_t size, std::align_val_t a) {
  return checked(aligned_alloc(to_size(a), size), __builtin_return_address(0));
}
void* operator new[](size_t size, std::align_val_t a) {
  return checked(aligned_alloc(to_size(a), size), __builtin_return_address(0));
}
void* operator new(size_t size, std::align_val_t a, const std::nothrow_t&) noexcept {
  return aligned_alloc(to_size(a), size);
}
void* operator new[](size_t size, std::align_val_t a, const std::nothrow_t&) noexcept {
  return aligned_alloc(to_size(a), size);
}
void operator delete(void* object) noexcept { free(object); }
void operator delete[](void* object) noexcept { free(object); }
void operator delete(void* object, size_t) noexcept { free(object); }
void operator delete[](void* object, size_t) noexcept { free(object); }
void operator delete(void* object, const std::nothrow_t&) noexcept { free(object); }
void operator delete[](void* object, const std::nothrow_t&) noexcept { free(object); }
void operator delete(void* object, std::align_val_t) noexcept { free(object); }
void operator delete[](void* object, std::align_val_t) noexcept { free(object); }
void operator delete(void* object, size_t, std::align_val_t) noexcept { free(object); }
void operator delete[](void* object, size_t, std::align_val_t) noexcept { free(object); }
void operator delete(void* object, std::align_val_t, const std::nothrow_t&) noexcept { free(object); }
void operator delete[](void* object, std::align_val_t, const std::nothrow_t&) noexcept { free(object); }
