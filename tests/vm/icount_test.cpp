// SPDX-License-Identifier: Apache-2.0
// run-in-vm --icount: the time stamp counter counts instructions, which is what makes gate costs measurable in an
// emulator.
#include <gtest/gtest.h>
#include <x86intrin.h>

#include <algorithm>
#include <cstdint>

namespace {

// Two instructions for each round.
uint64_t ticks_of_loop(uint64_t rounds) {
  const uint64_t start = __rdtsc();
  __asm__ volatile(
      "1: dec %0\n"
      "jnz 1b"
      : "+r"(rounds)
      :
      : "cc");
  return __rdtsc() - start;
}

// The least of several: an interrupt may come in between.
uint64_t least_ticks_of_loop(uint64_t rounds) {
  uint64_t least = ticks_of_loop(rounds);
  for (int i = 0; i < 20; ++i) least = std::min(least, ticks_of_loop(rounds));
  return least;
}

TEST(IcountTest, OneTickForEachInstruction) {
  const uint64_t some = least_ticks_of_loop(1000);
  EXPECT_GE(some, 2000U);
  EXPECT_LE(some, 2020U);
  EXPECT_EQ(least_ticks_of_loop(1000), some);
  EXPECT_EQ(least_ticks_of_loop(2000) - some, 2000U);
}

}  // namespace
