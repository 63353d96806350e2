// SPDX-License-Identifier: Apache-2.0
// Every corpus extension gives what the same source gives natively: the same verdict, the same bytes.
//
// VBPF_TEST_CONFINE=pku|sfi|unconfined picks the confinement (else the strongest here), VBPF_TEST_CORPUS the folder of
// the objects (else where they were built).
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "corpus_native.h"
#include "vbpf/extension.h"

namespace {

using namespace corpus;

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

  int number = 0;
  for (const Bytes& packet : inputs()) {
    const Answer expected = native_answer(GetParam(), packet);
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
