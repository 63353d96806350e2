// SPDX-License-Identifier: Apache-2.0
// Decodes a block of LZ4. Format: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

namespace lz4 {

// A sequence is a token, literals, and a match: a distance back and a length. The last sequence has only literals.
class Decoder {
 public:
  Decoder(std::span<const uint8_t> from, std::span<uint8_t> to) : from_(from), to_(to) {}

  // How many bytes it has written. Nothing: the block is damaged, or there is not enough room.
  std::optional<size_t> run() {
    while (true) {
      const auto token = byte();
      if (!token) return std::nullopt;
      const auto literals = length(*token >> 4);
      if (!literals || !copy_literals(*literals)) return std::nullopt;
      if (read_ == from_.size()) return written_;
      const auto low = byte(), high = byte();
      if (!low || !high) return std::nullopt;
      const auto match = length(*token & 15);
      if (!match || !copy_match(static_cast<size_t>(*low | *high << 8), *match + shortest_match)) return std::nullopt;
    }
  }

 private:
  static constexpr size_t shortest_match = 4;

  std::optional<unsigned> byte() {
    if (read_ == from_.size()) return std::nullopt;
    return from_[read_++];
  }
  // 15 says that more bytes are added, up to the first that is not 255.
  std::optional<size_t> length(size_t value) {
    if (value != 15) return value;
    for (;;) {
      const auto more = byte();
      if (!more || value > to_.size()) return std::nullopt;
      value += *more;
      if (*more != 255) return value;
    }
  }
  bool copy_literals(size_t size) {
    if (size > from_.size() - read_ || size > to_.size() - written_) return false;
    if (size != 0) std::memcpy(to_.data() + written_, from_.data() + read_, size);
    read_ += size;
    written_ += size;
    return true;
  }
  // It may overlap what it writes: a distance of 1 repeats a byte.
  bool copy_match(size_t distance, size_t size) {
    if (distance == 0 || distance > written_ || size > to_.size() - written_) return false;
    for (const size_t end = written_ + size; written_ < end; ++written_) to_[written_] = to_[written_ - distance];
    return true;
  }

  std::span<const uint8_t> from_;
  std::span<uint8_t> to_;
  size_t read_ = 0, written_ = 0;
};

inline std::optional<size_t> decode(std::span<const uint8_t> from, std::span<uint8_t> to) {
  return Decoder(from, to).run();
}

}  // namespace lz4
