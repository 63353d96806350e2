// SPDX-License-Identifier: Apache-2.0
// The placeholders of std::bind, which have addresses only where nothing is optimised.
#include <functional>

namespace std {
inline namespace __1 {
namespace placeholders {

const __ph<1> _1{};
const __ph<2> _2{};
const __ph<3> _3{};
const __ph<4> _4{};
const __ph<5> _5{};
const __ph<6> _6{};
const __ph<7> _7{};
const __ph<8> _8{};
const __ph<9> _9{};
const __ph<10> _10{};

}  // namespace placeholders
}  // namespace __1
}  // namespace std
