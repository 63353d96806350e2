// SPDX-License-Identifier: Apache-2.0
// What clang -c makes of ordinary code.
#line 10 "plain_first.cpp"
extern "C" int plain_first(int x) { return x + 1; }
#line 20 "plain_second.cpp"
extern "C" __attribute__((section("own_section"))) int plain_second(int x) { return plain_first(x) * 2; }
