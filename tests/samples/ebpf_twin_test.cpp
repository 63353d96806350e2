// SPDX-License-Identifier: Apache-2.0
// The kernel refuses the loop of l7_filter as an eBPF program, and says why.
#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

namespace {

TEST(EbpfTwinTest, TheKernelsVerifierRefusesTheLoop) {
  if (geteuid() != 0) GTEST_SKIP() << "loading an eBPF program needs root";
  const std::unique_ptr<bpf_object, void (*)(bpf_object*)> object(bpf_object__open(EBPF_OBJECT), bpf_object__close);
  ASSERT_NE(object, nullptr) << EBPF_OBJECT;
  bpf_program* program = bpf_object__find_program_by_name(object.get(), "l7_filter");
  ASSERT_NE(program, nullptr);
  std::vector<char> log(16 << 20);
  bpf_program__set_log_buf(program, log.data(), log.size());
  bpf_program__set_log_level(program, 4);  // statistics and the reason, without each state
  const int error = bpf_object__load(object.get());
  const std::string reason(log.data());
  if (error == -EPERM) GTEST_SKIP() << "this kernel does not let us load eBPF programs: " << reason;
  EXPECT_NE(error, 0) << "the kernel has learnt to verify this loop";
  EXPECT_TRUE(reason.find("The sequence of 8193 jumps is too complex") != reason.npos ||
              reason.find("BPF program is too large") != reason.npos)
      << reason;
  RecordProperty("reason", reason.substr(0, 200));
}

}  // namespace
