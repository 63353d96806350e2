/* SPDX-License-Identifier: Apache-2.0 */
#include "corpus.h"

typedef uint64_t (*operation)(uint64_t, uint64_t);
static uint64_t add(uint64_t a, uint64_t b) { return a + b; }
static uint64_t subtract(uint64_t a, uint64_t b) { return a - b; }
static uint64_t multiply(uint64_t a, uint64_t b) { return a * b; }
static uint64_t shift(uint64_t a, uint64_t b) { return a << (b & 63); }

static const operation operations[] = {add, subtract, multiply, shift};

struct step {
  operation run;
  operation (*next)(unsigned);
};
static operation choose(unsigned byte) { return operations[byte & 3]; }
static operation choose_backwards(unsigned byte) { return operations[3 - (byte & 3)]; }
static struct step steps[2] = {{add, choose}, {multiply, choose_backwards}};

CORPUS {
  uint64_t value = 1;
  for (size_t i = 0; i < size; ++i) {
    struct step* step = &steps[input[i] >> 7];
    value = fold(step->run(value, input[i]), i);
    step->run = step->next(input[i]);
  }
  return value;
}
