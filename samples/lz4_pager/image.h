// SPDX-License-Identifier: Apache-2.0
// A memory image whose pages are blocks of LZ4. Little endian.
//
//   header | index: an entry for each page | blocks
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

namespace lz4_image {

inline constexpr uint64_t magic = 0x31'5a'4c'4d'45'4d'42'56;  // "VBMEMLZ1"

struct Header {
  uint64_t magic, page_size, pages, reserved;
};
struct Entry {
  uint64_t offset;
  uint32_t size;  // 0: a page of zeros; page_size: the page as it is, not compressed
  uint32_t reserved;
};

// A view of an image. What it says is not believed: whatever lies outside the file is no page.
class Image {
 public:
  // Nothing if it is no image of pages of that size.
  static std::optional<Image> open(std::span<const uint8_t> file, uint64_t page_size) {
    Header header;
    if (file.size() < sizeof(header)) return std::nullopt;
    std::memcpy(&header, file.data(), sizeof(header));
    if (header.magic != magic || header.page_size != page_size) return std::nullopt;
    if (header.pages > (file.size() - sizeof(header)) / sizeof(Entry)) return std::nullopt;
    return Image(file, header);
  }

  // What is stored of a page. Nothing: the image has no such page.
  std::optional<std::span<const uint8_t>> page(uint64_t index) const {
    if (index >= header_.pages) return std::nullopt;
    Entry entry;
    std::memcpy(&entry, file_.data() + sizeof(Header) + index * sizeof(entry), sizeof(entry));
    if (entry.offset > file_.size() || entry.size > file_.size() - entry.offset) return std::nullopt;
    return file_.subspan(entry.offset, entry.size);
  }

 private:
  Image(std::span<const uint8_t> file, const Header& header) : file_(file), header_(header) {}
  std::span<const uint8_t> file_;
  Header header_;
};

}  // namespace lz4_image
