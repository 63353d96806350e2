// SPDX-License-Identifier: Apache-2.0
// Makes a snapshot for snapshot_pager from a raw memory image.
//
//   make_snapshot IMAGE SNAPSHOT
#include <cstdio>
#include <fstream>
#include <string>
#include <unordered_map>
#include <vector>

#include "snapshot.h"

namespace {

constexpr uint64_t page_size = 4096;

bool write(const std::string& path, const std::vector<uint64_t>& index, const std::vector<std::string>& pages) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  const snapshot::Header header{snapshot::magic, page_size, index.size(), 0};
  out.write(reinterpret_cast<const char*>(&header), sizeof(header));
  out.write(reinterpret_cast<const char*>(index.data()), static_cast<std::streamsize>(index.size() * sizeof(uint64_t)));
  for (const std::string& page : pages) out.write(page.data(), static_cast<std::streamsize>(page.size()));
  return out.flush().good();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: make_snapshot IMAGE SNAPSHOT\n");
    return 2;
  }
  std::ifstream in(argv[1], std::ios::binary);
  if (!in) {
    std::fprintf(stderr, "make_snapshot: cannot read %s\n", argv[1]);
    return 1;
  }
  std::vector<std::string> pages;                 // that differ
  std::unordered_map<std::string, size_t> known;  // to their number
  std::vector<uint64_t> index;                    // 0: zeros, else the page's number + 1
  const std::string zeros(page_size, '\0');
  for (std::string page(page_size, '\0'); in.read(page.data(), page_size) || in.gcount() > 0; page = zeros) {
    if (page == zeros) {
      index.push_back(0);
      continue;
    }
    const auto [at, is_new] = known.emplace(page, pages.size());
    if (is_new) pages.push_back(page);
    index.push_back(at->second + 1);
  }
  const uint64_t first = sizeof(snapshot::Header) + index.size() * sizeof(uint64_t);
  for (uint64_t& entry : index) entry = entry == 0 ? 0 : first + (entry - 1) * page_size;
  if (!write(argv[2], index, pages)) {
    std::fprintf(stderr, "make_snapshot: cannot write %s\n", argv[2]);
    return 1;
  }
  std::printf("%zu pages, %zu of them stored\n", index.size(), pages.size());
  return 0;
}
