// SPDX-License-Identifier: Apache-2.0
// What std::shared_ptr shares: the counts, atomic because a `shared` instance is entered by several threads.
#include <memory>

namespace std {
inline namespace __1 {

__shared_count::~__shared_count() {}
__shared_weak_count::~__shared_weak_count() {}

void __shared_weak_count::__release_weak() noexcept {
  // Nobody else holds a reference: no need to count down.
  if (__atomic_load_n(&__shared_weak_owners_, __ATOMIC_ACQUIRE) == 0) {
    __on_zero_shared_weak();
  } else if (__atomic_add_fetch(&__shared_weak_owners_, -1, __ATOMIC_ACQ_REL) == -1) {
    __on_zero_shared_weak();
  }
}

__shared_weak_count* __shared_weak_count::lock() noexcept {
  long owners = __atomic_load_n(&__shared_owners_, __ATOMIC_SEQ_CST);
  while (owners != -1) {
    if (__atomic_compare_exchange_n(&__shared_owners_, &owners, owners + 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
      return this;
  }
  return nullptr;
}

const void* __shared_weak_count::__get_deleter(const type_info&) const noexcept { return nullptr; }

void* align(size_t alignment, size_t size, void*& pointer, size_t& space) {
  auto address = reinterpret_cast<uintptr_t>(pointer);
  uintptr_t aligned = (address + alignment - 1) & ~(alignment - 1);
  size_t skip = aligned - address;
  if (skip > space || space - skip < size) return nullptr;
  space -= skip;
  return pointer = reinterpret_cast<void*>(aligned);
}

}  // namespace __1
}  // namespace std
