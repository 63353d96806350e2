// SPDX-License-Identifier: Apache-2.0
// sfi-rewrite: the rewriter as a filter, for tests and for looking at what it does. sfi-rewrite <in.s >out.s
#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>

#include "sfi/rewriter.h"

int main() {
  const std::string input(std::istreambuf_iterator<char>(std::cin), {});
  const vbpf::sfi::RewriteResult result = vbpf::sfi::rewrite(input);
  for (const std::string& error : result.errors) std::fprintf(stderr, "error: %s\n", error.c_str());
  std::cout << result.assembly << std::flush;
  return result.errors.empty() && std::cout ? 0 : 1;
}
