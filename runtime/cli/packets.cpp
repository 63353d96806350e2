// SPDX-License-Identifier: Apache-2.0
#include "packets.h"

#include <fmt/format.h>
#include <pcap/pcap.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>

namespace vbpf::cli {
namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Error bad(std::string message) { return {ErrorKind::bad_input, std::move(message)}; }

}  // namespace

Result<Packet> packet_from_hex(std::string_view text) {
  Packet packet;
  int high = -1;
  for (const char c : text) {
    if (high < 0 && (c == ' ' || c == ':' || c == '\n' || c == '\t')) continue;
    const int value = digit(c);
    if (value < 0) return bad(fmt::format("--hex: '{}' is no hexadecimal digit", c));
    if (high < 0) {
      high = value;
    } else {
      packet.push_back(static_cast<uint8_t>(high << 4 | value));
      high = -1;
    }
  }
  if (high >= 0) return bad("--hex: an odd number of digits");
  if (packet.empty()) return bad("--hex: no bytes; give a packet, such as ffffffffffff0200000000010800");
  if (packet.size() > longest_packet) return bad(fmt::format("--hex: a packet has at most {} bytes", longest_packet));
  return packet;
}

std::string hex(const uint8_t* data, size_t size) {
  constexpr const char* digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * size);
  for (size_t i = 0; i < size; ++i) {
    text += digits[data[i] >> 4];
    text += digits[data[i] & 15];
  }
  return text;
}

Result<std::vector<std::byte>> read_whole_file(const std::string& path, size_t most) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return bad("cannot read " + path + ": " + std::strerror(errno));
  if (S_ISDIR(status.st_mode)) return bad("cannot read " + path + ": it is a folder");
  if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode)) return bad("cannot read " + path + ": it is a device");
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Error{errno == EACCES ? ErrorKind::refused : ErrorKind::bad_input,
                 "cannot read " + path + ": " + std::strerror(errno)};
  }
  std::vector<std::byte> bytes;
  std::vector<char> part(1 << 16);
  while (file.read(part.data(), static_cast<std::streamsize>(part.size())), file.gcount() > 0) {
    const auto* begin = reinterpret_cast<const std::byte*>(part.data());
    bytes.insert(bytes.end(), begin, begin + file.gcount());
    if (bytes.size() > most) return bad(fmt::format("{} is larger than {} bytes", path, most));
  }
  return bytes;
}

Result<Packet> packet_from_file(const std::string& path) {
  VBPF_TRY(const std::vector<std::byte> bytes, read_whole_file(path, longest_packet));
  if (bytes.empty()) return bad(path + " is empty; it should hold one packet");
  const auto* begin = reinterpret_cast<const uint8_t*>(bytes.data());
  return Packet(begin, begin + bytes.size());
}

Result<std::vector<Packet>> packets_from_pcap(const std::string& path) {
  char reason[PCAP_ERRBUF_SIZE] = "";
  const std::unique_ptr<pcap_t, void (*)(pcap_t*)> capture(::pcap_open_offline(path.c_str(), reason), ::pcap_close);
  if (capture == nullptr) return bad(fmt::format("cannot read {}: {}", path, reason));
  if (const int type = ::pcap_datalink(capture.get()); type != DLT_EN10MB) {
    const char* name = ::pcap_datalink_val_to_name(type);
    return bad(fmt::format("{} holds {} frames; the hook xdp gets Ethernet", path, name == nullptr ? "unknown" : name));
  }
  std::vector<Packet> packets;
  pcap_pkthdr* header = nullptr;
  const u_char* data = nullptr;
  int got = 0;
  while ((got = ::pcap_next_ex(capture.get(), &header, &data)) == 1) {
    if (header->caplen == 0) continue;
    if (header->caplen > longest_packet)
      return bad(fmt::format("{}: packet {} has more than {} bytes", path, packets.size(), longest_packet));
    packets.emplace_back(data, data + header->caplen);
  }
  if (got == PCAP_ERROR)
    return bad(fmt::format("{} is damaged after packet {}: {}", path, packets.size(), ::pcap_geterr(capture.get())));
  if (packets.empty()) return bad(path + " holds no packets");
  return packets;
}

}  // namespace vbpf::cli
