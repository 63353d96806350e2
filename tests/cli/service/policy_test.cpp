// SPDX-License-Identifier: Apache-2.0
// What happens when the extension faults, or its device goes, as a person sees it.
#include <cstring>

#include "../../samples/packets.h"
#include "loaded.h"

namespace vbpf::cli_test {
namespace {

class Faulting : public Loading {
 protected:
  bool detached() const {
    return wait([] { return show()["state"] == "detached"; });
  }
};

TEST_F(Faulting, RestartReportsEachFaultWhileTrafficGoesOn) {
  must_load("crash", {"--on-fault", "restart"});
  const xdp_test::Tap near(network_.near, "near", 0x0800);
  const std::pair<unsigned, const char*> crashes[] = {
      {666, "bad-address"}, {667, "budget"}, {668, "stack-overflow"}, {669, "abort"}};
  for (const auto& [port, kind] : crashes) {
    far_.send(packets::udp_packet({}, 1, port));
    const Bytes harmless = packets::udp_packet({}, 1, 53, packets::text(kind));
    far_.send(harmless);
    EXPECT_EQ(near.receive(), harmless) << kind;
  }
  EXPECT_TRUE(wait([] { return total("crash")["restarts"] == 4; })) << total("crash");
  const Json shown = show("crash");
  ASSERT_EQ(shown["faults"].size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    const Json& fault = shown["faults"][i];
    EXPECT_EQ(fault["kind"], crashes[i].second);
    EXPECT_FALSE(fault.contains("registers")) << "on demand only";
    EXPECT_FALSE(fault["symbol"].get<std::string>().empty()) << fault;
    EXPECT_NE(fault["line"].get<std::string>().find(".cpp:"), std::string::npos) << fault;
  }
  const std::string text = vbpf({"show", "crash", "--registers"}).out;
  for (const char* part : {"last faults:", "bad-address at 0x0 (", "crash.cpp:", "rip ", "4 faults, 4 restarts"})
    EXPECT_NE(text.find(part), std::string::npos) << part << ": " << text;
  EXPECT_EQ(vbpf({"show", "crash", "--registers", "--json"}).json()["faults"][0]["registers"].size(), 18u);
  const std::string log = vbpf({"log", "crash"}).out;
  for (const char* part : {"fault: queue 0: stack-overflow", "restart: queue 0"})
    EXPECT_NE(log.find(part), std::string::npos) << log;
}

TEST_F(Faulting, TooManyRestartsDetach) {
  must_load("obey", {"--max-restarts", "2"});
  far_.send({order('f'), order('f'), order('f')});
  ASSERT_TRUE(detached()) << show();
  EXPECT_EQ(show()["detached_reason"], "obey faulted more than 2 times within a minute");
  expect_traffic_flows();
}

TEST_F(Faulting, DetachLeavesTheReasonToBeSeen) {
  must_load("obey", {"--on-fault", "detach"});
  far_.send(order('f'));
  ASSERT_TRUE(detached()) << show();
  EXPECT_FALSE(has_program());
  expect_traffic_flows();
  EXPECT_EQ(
      vbpf({"show", "obey"}).out.rfind("obey: detached (obey faulted (bad-address), and the policy is to detach)", 0),
      0u);
  EXPECT_EQ(list()[0]["state"], "detached");
  EXPECT_NE(vbpf({"log", "obey"}).out.find("detached: "), std::string::npos);
  EXPECT_TRUE(load().says({"obey is loaded already", "unload"})) << "its name is taken until it is unloaded";
  EXPECT_EQ(load("obey", {"--name", "next"}).status, 0) << "the device is free";
  EXPECT_EQ(vbpf({"unload", "--all"}).status, 0);
  expect_nothing_left();
}

TEST_F(Faulting, PassGivesThePacketBack) {
  must_load("obey", {"--on-fault", "pass"});
  far_.send({order('f', 0, 1), order('f', 0, 2), order('d', 0, 3), order('p', 0, 4)});
  EXPECT_EQ((std::vector<Bytes>{order('f', 0, 1), order('f', 0, 2), order('p', 0, 4)}), near_.receive_all(3));
  EXPECT_TRUE(wait([] { return total()["faults"] == 2; })) << total();
  EXPECT_EQ(total()["restarts"], 0);
  EXPECT_EQ(show()["state"], "attached");
}

TEST_F(Faulting, DeviceThatGoesAway) {
  must_load();
  xdp_test::run("ip -n " + network_.near + " link delete near");
  ASSERT_TRUE(detached()) << show();
  EXPECT_EQ(show()["detached_reason"], "the network device near is gone");
  EXPECT_EQ(list()[0]["state"], "detached");
  EXPECT_EQ(vbpf({"stats", "obey", "--json"}).json()["state"], "detached");
  EXPECT_EQ(vbpf({"unload", "obey"}).status, 0);
  EXPECT_TRUE(wait([&] { return std::filesystem::is_empty(run_folder_); }));
}

TEST_F(Faulting, MtuThatFramesDoNotHold) {
  must_load();
  xdp_test::run("ip -n " + network_.near + " link set near mtu 3000");
  ASSERT_TRUE(detached()) << show();
  EXPECT_NE(show()["detached_reason"].get<std::string>().find("load the extension again"), std::string::npos);
  expect_traffic_flows();
}

}  // namespace
}  // namespace vbpf::cli_test
