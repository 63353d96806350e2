// SPDX-License-Identifier: Apache-2.0
// What <string> declares as instantiated elsewhere (but for the members: see
// sdk/libcxx/__string/extern_template_lists.h).
#include <string>

namespace std {
inline namespace __1 {

template string operator+ <char, char_traits<char>, allocator<char>>(const char*, const string&);

}  // namespace __1
}  // namespace std
