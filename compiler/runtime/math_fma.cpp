// SPDX-License-Identifier: Apache-2.0
// <math.h>: fma(), which the compiler calls where the CPU has no instruction for it.
#include "soft_fma.h"

extern "C" {

double fma(double x, double y, double z) {
  return __builtin_bit_cast(
      double, vbpf::rt::fuse<vbpf::rt::Double>(__builtin_bit_cast(uint64_t, x), __builtin_bit_cast(uint64_t, y),
                                               __builtin_bit_cast(uint64_t, z)));
}
float fmaf(float x, float y, float z) {
  return __builtin_bit_cast(
      float, vbpf::rt::fuse<vbpf::rt::Single>(__builtin_bit_cast(uint32_t, x), __builtin_bit_cast(uint32_t, y),
                                              __builtin_bit_cast(uint32_t, z)));
}

}  // extern "C"
