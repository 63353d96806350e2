// SPDX-License-Identifier: Apache-2.0
// What the PKU engine relies on: that this machine's kernel and CPU enforce protection keys. Runs in the VM.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>

// read_with_key_0_closed.S: reads *address while key 0 is closed. Touches no memory of its own in between.
extern "C" uint64_t read_with_key_0_closed(const uint64_t* address);
extern "C" const char read_with_key_0_closed_load[], read_with_key_0_closed_after[];

namespace {

struct Fault {
  int code = 0;
  unsigned key = 0;
  const void* address = nullptr;
};
Fault fault;
unsigned rights_in_handler;

// Notes the fault and steps over the load that caused it; any other place is not ours.
void on_fault(int, siginfo_t* info, void* context) {
  auto& ip = static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP];
  if (ip != reinterpret_cast<greg_t>(read_with_key_0_closed_load)) _exit(99);
  fault = {info->si_code, info->si_pkey, info->si_addr};
  rights_in_handler = static_cast<unsigned>(pkey_get(0));
  ip = reinterpret_cast<greg_t>(read_with_key_0_closed_after);
}

class ProtectionKeysTest : public ::testing::Test {
 protected:
  void SetUp() override {
    key_ = pkey_alloc(0, 0);
    ASSERT_GE(key_, 1) << "pkey_alloc: " << strerror(errno);
    void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(page, MAP_FAILED);
    keyed_ = static_cast<uint64_t*>(page);
    *keyed_ = 42;
    ASSERT_EQ(pkey_mprotect(page, 4096, PROT_READ | PROT_WRITE, key_), 0);

    stack_t alternate{};
    alternate.ss_sp = alternate_stack_;
    alternate.ss_size = sizeof alternate_stack_;
    ASSERT_EQ(sigaltstack(&alternate, nullptr), 0);
    struct sigaction action{};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ASSERT_EQ(sigaction(SIGSEGV, &action, nullptr), 0);
    fault = {};
  }
  void TearDown() override {
    munmap(keyed_, 4096);
    pkey_free(key_);
    signal(SIGSEGV, SIG_DFL);
  }

  int key_ = -1;
  uint64_t* keyed_ = nullptr;
  alignas(16) char alternate_stack_[64 * 1024];
};

TEST_F(ProtectionKeysTest, MemoryWithAnOpenKeyIsReadWhileKey0IsClosed) {
  EXPECT_EQ(read_with_key_0_closed(keyed_), 42U);
  EXPECT_EQ(fault.code, 0);
}

TEST_F(ProtectionKeysTest, OtherMemoryFaultsWithItsKeyWhileKey0IsClosed) {
  const uint64_t secret = 7;
  EXPECT_EQ(read_with_key_0_closed(&secret), 0U);
  EXPECT_EQ(fault.code, SEGV_PKUERR);
  EXPECT_EQ(fault.key, 0U);
  EXPECT_EQ(fault.address, &secret);
  EXPECT_EQ(rights_in_handler, 0U) << "the handler runs with key 0 open";
}

TEST_F(ProtectionKeysTest, KeyedMemoryFaultsWhenItsKeyIsClosed) {
  ASSERT_EQ(pkey_set(key_, PKEY_DISABLE_ACCESS), 0);
  EXPECT_EQ(read_with_key_0_closed(keyed_), 0U);
  EXPECT_EQ(fault.code, SEGV_PKUERR);
  EXPECT_EQ(fault.key, static_cast<unsigned>(key_));
}

}  // namespace
