// SPDX-License-Identifier: Apache-2.0
// Answers with more than anybody asked for.
#include <unistd.h>

int main() {
  char lines[4096];
  for (char& c : lines) c = '\n';
  for (int i = 0; i < 1000; ++i) {
    if (write(1, lines, sizeof(lines)) < 0) return 1;
  }
  return 0;
}
