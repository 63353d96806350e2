// SPDX-License-Identifier: Apache-2.0
// Packets given on the command line, and files read whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vbpf/result.h"

namespace vbpf::cli {

using Packet = std::vector<uint8_t>;
constexpr size_t longest_packet = 65535;

// "0a1b2c", also with spaces or ':' between bytes.
Result<Packet> packet_from_hex(std::string_view text);
std::string hex(const uint8_t* data, size_t size);
Result<Packet> packet_from_file(const std::string& path);
// All packets of a capture of Ethernet frames.
Result<std::vector<Packet>> packets_from_pcap(const std::string& path);

Result<std::vector<std::byte>> read_whole_file(const std::string& path, size_t most);

}  // namespace vbpf::cli
