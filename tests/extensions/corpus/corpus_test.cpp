// SPDX-License-Identifier: Apache-2.0
// Every corpus extension gives what the same source gives natively: the same verdict, the same bytes.
//
// VBPF_TEST_CONFINE=pku|sfi|unconfined picks the confinement (else the strongest here), VBPF_TEST_CORPUS the folder of
// the objects (else where they were built).
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "vbpf/extension.h"

#define CORPUS_EXTENSION(name) extern "C" int corpus_##name(vbpf_xdp* ctx);
#include "corpus.def"
#undef CORPUS_EXTENSION

namespace {

using Bytes = std::vector<uint8_t>;

struct Case {
  const char* name;
  int (*native)(vbpf_xdp*);
};
const Case cases[] = {
#define CORPUS_EXTENSION(name) {#name, corpus_##name},
#include "corpus.def"
#undef CORPUS_EXTENSION
};

constexpr size_t frame_size = 2048;

// Packets of several sizes and kinds; the same at each run.
std::vector<Bytes> inputs() {
  std::vector<Bytes> packets;
  uint64_t state = 88172645463325252;
  for (size_t size : {60, 61, 64, 127, 300, 512, 1000, 1514}) {
    for (int kind = 0; kind < 3; ++kind) {
      Bytes packet(size);
      for (size_t i = 0; i < size; ++i) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        packet[i] = static_cast<uint8_t>(kind == 0 ? state : kind == 1 ? "GET /index.html HTTP/1.1 "[i % 25] : i);
      }
      packets.push_back(packet);
    }
  }
  return packets;
}

struct Answer {
  int verdict;
  Bytes packet;
  bool operator==(const Answer&) const = default;
};

void fill(vbpf_xdp& ctx, uint8_t* frame, const Bytes& packet) {
  std::memset(frame, 0, frame_size);
  std::memcpy(frame + VBPF_XDP_HEADROOM, packet.data(), packet.size());
  ctx = {};
  ctx.data = ctx.data_meta = frame + VBPF_XDP_HEADROOM;
  ctx.data_end = ctx.data + packet.size();
  ctx.ingress_ifindex = 7;
  ctx.rx_queue_index = 3;
}

vbpf::Result<vbpf::Extension> open(const std::string& name) {
  vbpf::LoadOptions options;
  options.budget = std::chrono::seconds(20);  // in an emulated machine too
  options.init_budget = std::chrono::seconds(20);
  const char* confine = std::getenv("VBPF_TEST_CONFINE");
  for (auto confinement : {vbpf::Confinement::pku, vbpf::Confinement::sfi, vbpf::Confinement::unconfined}) {
    if (confine && to_string(confinement) == confine) options.confine = confinement;
  }
  if (confine && !options.confine) {
    return vbpf::Error{vbpf::ErrorKind::bad_input,
                       std::string("VBPF_TEST_CONFINE is none of pku, sfi, unconfined: ") + confine};
  }
  const char* folder = std::getenv("VBPF_TEST_CORPUS");
  return vbpf::Extension::open(std::string(folder ? folder : CORPUS_FOLDER) + "/" + name + ".o", options);
}

class CorpusTest : public testing::TestWithParam<Case> {};

TEST_P(CorpusTest, GivesWhatTheSameSourceGivesNatively) {
  auto extension = open(GetParam().name);
  ASSERT_TRUE(extension) << extension.error().message;
  RecordProperty("confinement", std::string(to_string(extension->confinement())));
  auto instance = extension->instantiate();
  ASSERT_TRUE(instance) << instance.error().message;
  auto window = (*instance)->window(4096 + frame_size);
  ASSERT_TRUE(window) << window.error().message;
  auto entry = (*instance)->entry(std::string("corpus_") + GetParam().name, "xdp");
  ASSERT_TRUE(entry) << entry.error().message;
  auto* slot = reinterpret_cast<vbpf::XdpSlot*>(window->data());
  auto* frame = reinterpret_cast<uint8_t*>(window->data() + 4096);
  Bytes native_frame(frame_size);

  int number = 0;
  for (const Bytes& packet : inputs()) {
    vbpf_xdp native{};
    fill(native, native_frame.data(), packet);
    Answer expected{GetParam().native(&native), {}};
    expected.packet.assign(native.data, native.data_end);

    *slot = {};
    fill(slot->ctx, frame, packet);
    std::optional<vbpf::Fault> fault;
    const size_t done = (*instance)->call_xdp(*entry, {slot, 1}, fault);
    ASSERT_FALSE(fault) << to_string(fault->kind) << " in " << fault->symbol << " " << fault->line << " "
                        << fault->message;
    ASSERT_EQ(done, 1u);
    ASSERT_GE(slot->ctx.data, frame);
    ASSERT_LE(slot->ctx.data_end, frame + frame_size);
    EXPECT_EQ(expected, (Answer{static_cast<int>(slot->verdict), {slot->ctx.data, slot->ctx.data_end}}))
        << "packet " << number << " of " << packet.size() << " bytes";
    ++number;
  }
}

INSTANTIATE_TEST_SUITE_P(Corpus, CorpusTest, testing::ValuesIn(cases),
                         [](const auto& info) { return std::string(info.param.name); });

// The corpus covers what it is meant to cover: it cannot shrink unseen.
TEST(CorpusSizeTest, HasAtLeastFortyExtensions) { EXPECT_GE(std::size(cases), 40u); }

}  // namespace
