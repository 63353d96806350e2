/* SPDX-License-Identifier: Apache-2.0 */
#include "corpus.h"

CORPUS {
  static const void* const labels[] = {&&add, &&shift, &&mix, &&back};
  uint64_t hash = 1;
  size_t at = 0, steps = 0;
next:
  if (at >= size || ++steps > 4000) return hash;
  goto* labels[input[at++] & 3];
add:
  hash += input[at - 1];
  goto next;
shift:
  hash = hash << 5 | hash >> 59;
  goto next;
mix:
  hash = fold(hash, at);
  goto next;
back:
  if (hash & 1 && at > 5) at -= 5;
  hash >>= 1;
  goto next;
}
