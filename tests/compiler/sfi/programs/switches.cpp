// SPDX-License-Identifier: Apache-2.0
#include "program.h"

namespace program {
namespace {
struct Machine {
  uint64_t stack[32];
  unsigned depth = 0;
  void push(uint64_t value) { stack[depth++ & 31] = value; }
  uint64_t pop() { return stack[--depth & 31]; }
};
__attribute__((noinline)) void step(Machine& machine, unsigned operation, uint64_t operand) {
  switch (operation) {
    case 0:
      return machine.push(operand);
    case 1:
      return machine.push(machine.pop() + machine.pop());
    case 2:
      return machine.push(machine.pop() * (machine.pop() | 1));
    case 3:
      return machine.push(machine.pop() ^ operand);
    case 4:
      return machine.push(machine.pop() >> (operand & 63));
    case 5:
      return machine.push(~machine.pop());
    case 6:
      machine.push(machine.stack[operand & 31]);
      break;
    case 7:
      machine.stack[operand & 31] = machine.pop();
      break;
    case 8:
      machine.push(__builtin_popcountll(machine.pop()));
      break;
    case 9:
      machine.push(operand);
      machine.push(operand * 7);
      break;
    case 40:
      machine.push(40);
      break;
    case 4000:
      machine.push(4000);
      break;
    default:
      machine.push(machine.pop() / (operand | 1) + operation);
  }
}
__attribute__((noinline)) const char* name(unsigned operation) {
  static constexpr const char* names[] = {"push", "add", "mul", "xor", "shr", "not", "load", "store", "pop", "dup"};
  return operation < 10 ? names[operation] : "other";
}
}  // namespace
}  // namespace program

PROGRAM(switches) {
  using namespace program;
  Random random(seed);
  Machine machine = {};
  uint64_t hash = seed;
  for (int i = 0; i < 3000; ++i) {
    const unsigned operation = i % 100 == 0 ? 4000 : i % 50 == 0 ? 40 : random.below(12);
    step(machine, operation, random.next());
    for (const char* c = name(operation); *c != 0; ++c) hash = fold(hash, *c);
  }
  for (uint64_t value : machine.stack) hash = fold(hash, value);
  return hash;
}
