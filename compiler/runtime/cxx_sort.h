// SPDX-License-Identifier: Apache-2.0
// std::sort of arithmetic types, which the C++ library's headers declare as instantiated elsewhere. A file per type, so
// that an extension carries the ones that it uses.
#pragma once

#include <algorithm>
#include <functional>

namespace std {
inline namespace __1 {

// __less is only a tag in the headers: what compares is ranges::less.
template <class Tag, class Iterator>
void __sort(Iterator first, Iterator last, Tag) {
  ranges::less less;
  std::__introsort<_ClassicAlgPolicy, ranges::less&, Iterator, __use_branchless_sort<ranges::less, Iterator>::value>(
      first, last, less, 2 * std::__log2i(last - first));
}

}  // namespace __1
}  // namespace std

#define VBPF_INSTANTIATE_SORT(type) \
  template void std::__1::__sort<std::__less<type>&, type*>(type*, type*, std::__less<type>&);
