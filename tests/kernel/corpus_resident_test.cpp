// SPDX-License-Identifier: Apache-2.0
// The corpus in the kernel gives what the same source gives natively.
#include <gtest/gtest.h>

#include <string>

#include "corpus_native.h"
#include "resident.h"

namespace {

using namespace corpus;

class CorpusResidentTest : public testing::TestWithParam<Case> {};

TEST_P(CorpusResidentTest, GivesWhatTheSameSourceGivesNatively) {
  vbpf::kernel::ResidentOptions options;
  options.name = GetParam().name;
  options.budget = options.init_budget = std::chrono::seconds(1);  // emulated CPUs may be away for long
  const auto resident = vbpf::kernel::Resident::load(std::string(CORPUS_FOLDER "/") + GetParam().name + ".o", options);
  ASSERT_TRUE(resident) << resident.error().message;
  for (const Bytes& packet : inputs()) {
    const auto ran = resident->run(0, packet, 1, {7, 3});
    ASSERT_TRUE(ran) << ran.error().message;
    ASSERT_FALSE(ran->fault) << vbpf::to_string(ran->fault->kind) << " " << ran->fault->address_is << " "
                             << ran->fault->message << " in " << ran->fault->symbol;
    ASSERT_TRUE(ran->out);
    EXPECT_EQ(native_answer(GetParam(), packet), (Answer{static_cast<int>(ran->retval), *ran->out}))
        << "packet of " << packet.size() << " bytes";
  }
}

INSTANTIATE_TEST_SUITE_P(Corpus, CorpusResidentTest, testing::ValuesIn(cases),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
