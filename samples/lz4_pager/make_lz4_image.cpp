// SPDX-License-Identifier: Apache-2.0
// Makes an image for lz4_pager from a raw memory image.
//
//   make_lz4_image RAW IMAGE
#include <lz4.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "image.h"

namespace {

constexpr int page_size = 4096;

// What is stored of a page: nothing, a block, or the page itself where a block would be no smaller.
std::string stored(const std::string& page) {
  if (std::all_of(page.begin(), page.end(), [](char c) { return c == 0; })) return "";
  std::string block(page_size - 1, '\0');
  const int size = LZ4_compress_default(page.data(), block.data(), page_size, static_cast<int>(block.size()));
  if (size <= 0) return page;
  block.resize(static_cast<size_t>(size));
  return block;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: make_lz4_image RAW IMAGE\n");
    return 2;
  }
  std::ifstream in(argv[1], std::ios::binary);
  if (!in) {
    std::fprintf(stderr, "make_lz4_image: cannot read %s\n", argv[1]);
    return 1;
  }
  std::vector<std::string> blocks;
  const std::string zeros(page_size, '\0');
  for (std::string page = zeros; in.read(page.data(), page_size) || in.gcount() > 0; page = zeros)
    blocks.push_back(stored(page));
  const lz4_image::Header header{lz4_image::magic, page_size, blocks.size(), 0};
  std::ofstream out(argv[2], std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(&header), sizeof(header));
  uint64_t offset = sizeof(header) + blocks.size() * sizeof(lz4_image::Entry);
  for (const std::string& block : blocks) {
    const lz4_image::Entry entry{offset, static_cast<uint32_t>(block.size()), 0};
    out.write(reinterpret_cast<const char*>(&entry), sizeof(entry));
    offset += block.size();
  }
  for (const std::string& block : blocks) out.write(block.data(), static_cast<std::streamsize>(block.size()));
  if (!out.flush()) {
    std::fprintf(stderr, "make_lz4_image: cannot write %s\n", argv[2]);
    return 1;
  }
  std::printf("%zu pages in %llu bytes\n", blocks.size(), static_cast<unsigned long long>(offset));
  return 0;
}
