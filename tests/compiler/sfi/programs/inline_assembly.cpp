// SPDX-License-Identifier: Apache-2.0
// What people write in inline assembly, and what Clang could write but seldom does.
#include "program.h"

namespace program {
namespace {
uint64_t words[8];

__attribute__((noinline)) uint64_t bit_strings(int64_t index) {  // from words[4], negative indexes too
  uint8_t set = 0, reset = 0, complemented = 0, tested = 0;
  asm volatile("btsq %2, %1; setc %0" : "=q"(set), "+m"(words[4]) : "r"(index) : "cc", "memory");
  asm volatile("btrl %2, %1; setc %0"
               : "=q"(reset), "+m"(words[4])
               : "r"(static_cast<int>(index + 9))
               : "cc", "memory");
  asm volatile("lock; btcq %2, %1\n\tsetc %0" : "=q"(complemented), "+m"(words[4]) : "a"(index * 3) : "cc", "memory");
  asm volatile("lock btsw %w2, %1; setc %0" : "=q"(tested), "+m"(words[4]) : "c"(index - 5) : "cc", "memory");
  uint64_t hash = set + 2u * reset + 4u * complemented + 8u * tested;
  asm volatile("btq %2, %1; setc %0" : "=q"(tested), "+m"(words[4]) : "d"(index + 1) : "cc", "memory");
  return hash * 2 + tested;
}
__attribute__((noinline)) uint64_t on_stack(uint64_t value, uint64_t bit) {  // an operand relative to %rsp
  uint64_t result;
  asm volatile(
      "pushq %1; pushq $0; btsq %2, 8(%%rsp); pushq 8(%%rsp); popq (%%rsp)\n\t"
      "addq $8, %%rsp /* no\n probe */; popq %0 # ; nop"
      : "=r"(result)
      : "r"(value), "r"(bit & 63)
      : "cc", "memory");
  return result;
}
__attribute__((noinline)) uint64_t block_moves(char* to, const char* from, uint64_t count) {
  uint64_t left = count;
  uint8_t carry, zero;
  // The flags set before must survive the copy, a count of zero included.
  asm volatile("cmpq $40, %2; rep; movsb; setc %3; setz %4"
               : "+D"(to), "+S"(from), "+c"(left), "=q"(carry), "=q"(zero)
               :
               : "memory", "cc");
  uint64_t hash = carry + 2u * zero + 4 * left;
  asm volatile("cmpq $7, %1; rep stosl; setc %2; setz %3"
               : "+D"(to), "+c"(count), "=q"(carry), "=q"(zero)
               : "a"(0x01020304)
               : "memory", "cc");
  asm volatile("stosb; movsw" : "+D"(to), "+S"(from) : "a"(7) : "memory");
  return hash * 4 + carry + 2u * zero + count;
}
__attribute__((noinline)) uint64_t stack_pointer(uint64_t value) {  // %rsp is moved where the flags are needed
  uint64_t result = 0;
  uint8_t first = 0, second = 0, third = 0;
  asm volatile(
      "movq %%rsp, %%r12; movq %%rsp, %%rcx\n\t"
      "subq $4096, %%rcx; cmpq $5, %4\n\tmovq %%rcx, %%rsp; setb %0\n\t"
      "cmpq $6, %4; leaq -64(%%rsp), %%rsp; setb %1\n\t"
      "pushq %4; cmpq $7, %4; movq %%rsp, %%rax; movq %%rax, %%rsp; setbe %2; popq %3\n\t"
      "pushq %%rbp; movq %%rsp, %%rbp; pushq $1; cmpq $3, %4; leave; adcq $0, %3\n\t"
      "movq %%r12, %%rsp"
      : "+&q"(first), "+&q"(second), "+&q"(third), "+&S"(result)
      : "d"(value)
      : "rax", "rcx", "r12", "cc", "memory");
  return result * 8 + first + 2u * second + 4u * third;
}
__attribute__((noinline)) uint64_t exchanges(uint64_t a, uint64_t b) {
  uint64_t cell = a, other = b;
  asm volatile("xchgq %0, %1; lock xaddq %0, %1; rep; nop; lock cmpxchgq %3, %1"
               : "+r"(other), "+m"(cell), "+a"(a)
               : "r"(b)
               : "cc");
  return a + cell * 3 + other;
}
}  // namespace
}  // namespace program

PROGRAM(inline_assembly) {
  using namespace program;
  Random random(seed);
  for (uint64_t& word : words) word = random.next();
  char from[300], to[1200] = {};
  for (char& c : from) c = static_cast<char>(random.next());
  uint64_t hash = seed;
  for (int i = 0; i < 60; ++i) {
    hash = fold(hash, bit_strings(static_cast<int64_t>(random.below(160)) - 80));
    hash = fold(hash, on_stack(random.next(), random.next()));
    hash = fold(hash, block_moves(to, from, i % 3 == 0 ? 0 : random.below(80)));
    hash = fold(hash, stack_pointer(random.below(10)));
    hash = fold(hash, exchanges(random.next(), random.next()));
  }
  for (uint64_t word : words) hash = fold(hash, word);
  for (char c : to) hash = fold(hash, static_cast<unsigned char>(c));
  return hash;
}
