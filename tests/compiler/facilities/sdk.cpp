// SPDX-License-Identifier: Apache-2.0
#include <string_view>
#include <vbpf/packet.hpp>
#include <vbpf/vbpf.hpp>

#include "check.h"

enum class Colour { red, green };

FACILITY(format) {
  char room[128];
  auto is = [&](std::string_view want, std::string_view got) { return want == got; };
  CHECK(is("a 1 -2 {x} true z", vbpf::format_to(room, "a {} {} {{x}} {} {}", 1u, -2, true, 'z')));
  CHECK(is("ff 00FF   42|42  |", vbpf::format_to(room, "{:x} {:04X} {:4}|{:<4}|", 255, 255, 42, 42)));
  CHECK(is("text  | text|1", vbpf::format_to(room, "{:6}|{:>5}|{}", "text", std::string_view("text"), Colour::green)));
  CHECK(is("1.500000 -0.250000", vbpf::format_to(room, "{} {}", 1.5, -0.25)));
  CHECK(is("-9223372036854775808 101", vbpf::format_to(room, "{} {:b}", INT64_MIN, 5)));
  CHECK(is("0x10", vbpf::format_to(room, "{}", reinterpret_cast<void*>(16))));
  char small[4];
  CHECK(is("1234", vbpf::format_to(small, "{}", 123456)));
  vbpf::log("line {} of {:x}", 1, seed);
  CHECK(vbpf::time_ns() > 0);
  (void)vbpf::random();
  return 0;
}

FACILITY(packet) {
  alignas(1) static uint8_t bytes[]{0x45, 0, 0,  0x1c, 0, 0, 0x40, 0,  0x40, 17, 0, 0, 10, 0,
                                    0,    1, 10, 0,    0, 2, 0,    53, 0,    1,  0, 8, 0,  0};
  vbpf_xdp ctx{bytes, bytes + sizeof(bytes), bytes, 1, 0, 0};
  auto* ip = vbpf::header_at<vbpf::Ipv4Header>(&ctx, 0);
  CHECK(ip != nullptr && ip->header_length() == 20 && ip->source == 0x0a000001u && ip->total_length == 28);
  CHECK(vbpf::header_at<vbpf::UdpHeader>(&ctx, 20)->source == 53 &&
        vbpf::header_at<vbpf::UdpHeader>(&ctx, 21) == nullptr);
  CHECK(vbpf::header_at<vbpf::UdpHeader>(&ctx, ~size_t{0}) == nullptr);
  ip->checksum = vbpf::checksum_fold(vbpf::checksum_add({bytes, 20}));
  CHECK(vbpf::checksum_fold(vbpf::checksum_add({bytes, 20})) == 0);
  uint32_t before = ip->source;
  ip->source = 0xc0a80101u;
  ip->checksum = vbpf::checksum_update(ip->checksum, before, uint32_t{ip->source});
  CHECK(vbpf::checksum_fold(vbpf::checksum_add({bytes, 20})) == 0);
  return 0;
}
