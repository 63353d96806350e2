// SPDX-License-Identifier: Apache-2.0
// Answers the one place asked for with control characters, without an end for long.
#include <unistd.h>

#include <string>

int main() {
  const std::string text = "\x1b[31mred\t" + std::string(200, 'x') + "\n";
  return write(1, text.data(), text.size()) < 0 ? 1 : 0;
}
