// SPDX-License-Identifier: Apache-2.0
// The samples at the hook, loaded as their READMEs say, with packets from a device.
#include "../../samples/packets.h"
#include "loaded.h"

namespace vbpf::cli_test {
namespace {

class Samples : public Loading {
 protected:
  // What of these reaches the near side's stack.
  std::vector<Bytes> through(const std::vector<Bytes>& packets) const {
    far_.send(packets);
    // The last one passes whatever the sample is, and comes last.
    const Bytes end = packets::ethernet({}, 0x88b5, Bytes(46, 0xee));
    far_.send(end);
    EXPECT_EQ(near_.receive(), end);
    std::vector<Bytes> got;
    for (Bytes packet = ip_.receive(100); !packet.empty(); packet = ip_.receive(100)) got.push_back(packet);
    return got;
  }
  static bool logged(const std::string& name, const std::string& text) {
    return wait([&] { return vbpf({"log", name}).out.find(text) != std::string::npos; });
  }
  void expect_ping() const {
    EXPECT_EQ(run({"ip", "netns", "exec", network_.far, "ping", "-q", "-c", "3", "-i", "0.05", "-W", "2", "192.0.2.1"})
                  .status,
              0);
  }
  const xdp_test::Tap ip_{network_.near, "near", 0x0800};
};

TEST_F(Samples, FirewallDecidesByItsRules) {
  must_load("firewall");
  const packets::Ip ordinary{.source = "198.51.100.7"}, denied{.source = "203.0.113.5"};
  const Bytes dns = packets::udp_packet(ordinary, 1, 53), web = packets::tcp_packet(ordinary, 1, 80);
  EXPECT_EQ(through({packets::udp_packet(ordinary, 1, 9), dns, packets::tcp_packet(ordinary, 1, 23), web,
                     packets::udp_packet(denied, 1, 53)}),
            (std::vector<Bytes>{dns, web}));
  EXPECT_TRUE(logged("firewall", "new source 203.0.113.5, denied"));
  EXPECT_EQ(total("firewall")["verdicts"]["XDP_DROP"], 3);
  while (!ip_.receive(100).empty()) {
  }
  expect_ping();
}

TEST_F(Samples, L7FilterDropsWhatHoldsAPatternAlsoWhenCutInTwo) {
  must_load("l7_filter");
  const auto segment = [](uint32_t sequence, std::string_view text) {
    return packets::tcp_packet({}, 1000, 80, packets::text(text), sequence);
  };
  const Bytes harmless = packets::udp_packet({}, 1, 2, packets::text("harmless")), half = segment(100, "a vbpf-forb");
  EXPECT_EQ(through({harmless, packets::udp_packet({}, 1, 2, packets::text("GET /etc/passwd")), half,
                     segment(111, "idden word"), segment(111, "i")}),
            (std::vector<Bytes>{harmless, half}));
  EXPECT_TRUE(logged("l7_filter", "'vbpf-forbidden' in a TCP connection to port 80"));
  EXPECT_TRUE(logged("l7_filter", "'/etc/passwd' in a packet of protocol 17"));
  expect_ping();
}

TEST_F(Samples, LoadBalancerSendsToABackendAndBack) {
  must_load("load_balancer");
  const xdp_test::Tap back(network_.far, "far", 0x0800);
  const packets::Ip question{.source = "198.51.100.9", .destination = "192.0.2.80"};
  far_.send(packets::tcp_packet(question, 4000, 8080, packets::text("question")));
  const Bytes sent = back.receive();
  ASSERT_GE(sent.size(), 54u) << "nothing was sent out";
  EXPECT_TRUE(packets::checksums_right(sent));
  const uint8_t backend = sent[33];
  EXPECT_EQ(Bytes(sent.begin() + 30, sent.begin() + 33), (Bytes{10, 77, 1}));
  far_.send(packets::tcp_packet({.source = "10.77.1." + std::to_string(backend), .destination = "198.51.100.9"}, 8080,
                                4000, packets::text("answer")));
  const Bytes answer = back.receive();
  ASSERT_GE(answer.size(), 54u);
  EXPECT_TRUE(packets::checksums_right(answer));
  EXPECT_EQ(Bytes(answer.begin() + 26, answer.begin() + 30), packets::address("192.0.2.80"));
  EXPECT_TRUE(wait([] { return total("load_balancer")["verdicts"]["XDP_TX"] == 2; }));
  EXPECT_EQ(show("load_balancer")["concurrency"], "serial");
  expect_ping();
}

}  // namespace
}  // namespace vbpf::cli_test
