// SPDX-License-Identifier: Apache-2.0
// A memory image with an index: pages of zeros take no room, equal pages are stored once. Little endian.
//
//   header | index: for each page, where in the file its bytes are; 0: zeros | pages
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

namespace snapshot {

inline constexpr uint64_t magic = 0x31'50'41'4e'53'56'42'56;  // "VBVSNAP1"

struct Header {
  uint64_t magic, page_size, pages, reserved;
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
    if (header.pages > (file.size() - sizeof(header)) / sizeof(uint64_t)) return std::nullopt;
    return Image(file, header);
  }

  uint64_t pages() const { return header_.pages; }
  // The bytes of a page; empty: zeros. Nothing: the image has no such page.
  std::optional<std::span<const uint8_t>> page(uint64_t index) const {
    if (index >= header_.pages) return std::nullopt;
    uint64_t offset = 0;
    std::memcpy(&offset, file_.data() + sizeof(Header) + index * sizeof(offset), sizeof(offset));
    if (offset == 0) return std::span<const uint8_t>();
    if (offset > file_.size() || header_.page_size > file_.size() - offset) return std::nullopt;
    return file_.subspan(offset, header_.page_size);
  }

 private:
  Image(std::span<const uint8_t> file, const Header& header) : file_(file), header_(header) {}
  std::span<const uint8_t> file_;
  Header header_;
};

}  // namespace snapshot
