// SPDX-License-Identifier: Apache-2.0
#include "corpus.h"

// A small machine: one byte is an instruction, the packet is the program.
CORPUS {
  uint64_t a = 1, b = 2, stack[16] = {}, hash = 1;
  unsigned top = 0, steps = 0;
  for (size_t pc = 0; pc < size && steps < 5000; ++pc, ++steps) {
    switch (input[pc] % 24) {
      case 0:
        a += b;
        break;
      case 1:
        a -= b * 3;
        break;
      case 2:
        a ^= b << 7;
        break;
      case 3:
        b = a >> 3;
        break;
      case 4:
        stack[top++ % 16] = a;
        break;
      case 5:
        a = stack[--top % 16];
        break;
      case 6:
        b += input[pc];
        break;
      case 7:
        if (a & 1) pc += b % 5;
        break;
      case 8:
        pc -= pc > 20 && a % 3 == 0 ? 9 : 0;
        a /= 3;
        break;
      case 9:
        a *= 0x10001;
        break;
      case 10:
        hash = fold(hash, a);
        break;
      case 11:
        hash = fold(hash, b);
        break;
      case 12:
        a = ~a;
        break;
      case 13:
        b = -b;
        break;
      case 14:
        a = a << 13 | a >> 51;
        break;
      case 15:
        b ^= pc;
        break;
      case 16:
        a = a % (b | 1);
        break;
      case 17:
        top = 0;
        break;
      case 18:
        b = stack[a % 16];
        break;
      default:
        hash = fold(hash, steps);
    }
  }
  return fold(fold(hash, a), b);
}
