// SPDX-License-Identifier: Apache-2.0
// Internet checksum of packets of 60 to 1500 bytes, and CRC-32 of their headers by table.
#include <cstring>

#include "kernel.h"

namespace {
constexpr uint32_t kPackets = 64, kStride = 1536;
unsigned char packets[kPackets][kStride];
uint32_t lengths[kPackets];
uint32_t crc_table[256];

void set_up() {
  kernel::Random random;
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1)));
    crc_table[i] = crc;
  }
  for (uint32_t i = 0; i < kPackets; ++i) {
    lengths[i] = 60 + random.below(1441);
    for (unsigned char& byte : packets[i]) byte = static_cast<unsigned char>(random.next());
  }
}
uint16_t internet_checksum(const unsigned char* bytes, uint32_t length) {
  uint64_t sum = 0;
  for (; length >= 4; bytes += 4, length -= 4) {
    uint32_t word;
    std::memcpy(&word, bytes, sizeof word);
    sum += word;
  }
  for (; length != 0; --length) sum += *bytes++;
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}
uint32_t crc32(const unsigned char* bytes, uint32_t length) {
  uint32_t crc = ~0u;
  for (uint32_t i = 0; i < length; ++i) crc = crc >> 8 ^ crc_table[(crc ^ bytes[i]) & 0xff];
  return ~crc;
}
}  // namespace

KERNEL(checksum) {
  if (crc_table[1] == 0) set_up();
  uint64_t sum = 0;
  for (uint64_t round = 0; round < rounds; ++round) {
    for (uint32_t i = 0; i < kPackets; ++i) {
      packets[i][10] = static_cast<unsigned char>(round);
      sum += internet_checksum(packets[i], lengths[i]) + crc32(packets[i], 54);
    }
  }
  return sum;
}
