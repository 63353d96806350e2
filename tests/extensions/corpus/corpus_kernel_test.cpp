// SPDX-License-Identifier: Apache-2.0
// The kernel variant computes what the same source gives natively: the code alone, run in this process by the smallest
// loader there is. The kernel engine has tests of its own.
#include <gtest/gtest.h>

#include <string>

#include "corpus_native.h"
#include "region.h"

namespace {

using namespace corpus;
using vbpf::test::Region;

class CorpusKernelTest : public testing::TestWithParam<Case> {};

TEST_P(CorpusKernelTest, GivesWhatTheSameSourceGivesNatively) {
  std::vector<std::string> errors;
  const auto region =
      Region::load(std::string(CORPUS_FOLDER "/") + GetParam().name + ".o", vbpf::verifier::Variant::kernel, errors);
  ASSERT_NE(region, nullptr) << errors.front();
  for (const Bytes& packet : inputs()) {
    Bytes frame(frame_size);
    vbpf_xdp ctx{};
    fill(ctx, frame.data(), packet);
    const uint64_t verdict = region->call(std::string("corpus_") + GetParam().name, reinterpret_cast<uint64_t>(&ctx));
    ASSERT_EQ(region->aborted(), "");
    EXPECT_EQ(native_answer(GetParam(), packet), (Answer{static_cast<int>(verdict), {ctx.data, ctx.data_end}}))
        << "packet of " << packet.size() << " bytes";
  }
}

INSTANTIATE_TEST_SUITE_P(Corpus, CorpusKernelTest, testing::ValuesIn(cases),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
