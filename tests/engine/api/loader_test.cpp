// SPDX-License-Identifier: Apache-2.0
// What the library does with files that are not as they should be. Built with AddressSanitizer and
// UndefinedBehaviorSanitizer too.
#include <sys/stat.h>
#include <unistd.h>

#include <random>

#include "guest.h"

namespace {

using guest::read;
using vbpf::ErrorKind;
using vbpf::Extension;

vbpf::Error error_of(const std::string& path, vbpf::LoadOptions options = {}) {
  const auto extension = Extension::open(path, std::move(options));
  if (!extension) return extension.error();
  ADD_FAILURE() << path << " opens";
  return {};
}

void expect_one_line(const std::string& message) {
  EXPECT_FALSE(message.empty());
  for (const char c : message) EXPECT_TRUE(c >= ' ' && c <= '~') << message;
}

TEST(Loader, SaysWhatIsWrongWithAFile) {
  EXPECT_EQ(error_of("/nonexistent/file.o").kind, ErrorKind::bad_input);
  EXPECT_EQ(error_of("/").kind, ErrorKind::bad_input);
  EXPECT_EQ(error_of("/dev/zero").kind, ErrorKind::bad_input);
  EXPECT_EQ(error_of("/proc/self/exe").kind, ErrorKind::bad_input);  // an executable is no object
  const std::string pipe = testing::TempDir() + "vbpf_loader_test_pipe";
  unlink(pipe.c_str());
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(error_of(pipe).kind, ErrorKind::bad_input);  // and does not wait for a writer
  unlink(pipe.c_str());
  for (const char* path : {"/nonexistent/file.o", "/", "/proc/self/exe"}) expect_one_line(error_of(path).message);
}

TEST(Loader, RefusesSizesThatCannotBe) {
  vbpf::LoadOptions options;
  options.stack_size = 1;
  EXPECT_EQ(error_of(guest::per_cpu, options).kind, ErrorKind::bad_input);
  options.stack_size = uint64_t{1} << 40;
  EXPECT_EQ(error_of(guest::per_cpu, options).kind, ErrorKind::bad_input);
  options.stack_size.reset();
  options.heap_size = uint64_t{1} << 40;
  EXPECT_EQ(error_of(guest::per_cpu, options).kind, ErrorKind::bad_input);
}

TEST(Loader, TruncatedObjects) {
  const auto whole = read(guest::per_cpu);
  ASSERT_FALSE(whole.empty());
  for (size_t i = 0; i < 128; ++i) {
    const auto extension = Extension::from_memory(std::span(whole).first(i * whole.size() / 128), "cut", {});
    ASSERT_FALSE(extension);
    expect_one_line(extension.error().message);
  }
}

// Calls what there is to call with nothing; how it ends does not matter, as long as this process goes on.
void exercise(const Extension& extension) {
  const auto instance = extension.instantiate();
  if (!instance) return;
  for (const vbpf::EntryInfo& entry : extension.entries()) {
    const auto address = (*instance)->entry(entry.name, entry.hook);
    ASSERT_TRUE(address);
    (void)(*instance)->call(*address, {});
  }
}

// Objects with some bytes changed: those that are still accepted are run. Nothing happens to this process.
TEST(Loader, ChangedObjects) {
  const auto whole = read(guest::per_cpu);
  std::mt19937 random(7);
  vbpf::LoadOptions options;
  options.budget = std::chrono::milliseconds(2);
  options.init_budget = std::chrono::milliseconds(10);
  int accepted = 0;
  for (int i = 0; i < 200; ++i) {
    auto object = whole;
    for (unsigned k = 0; k < 1 + random() % 4; ++k) object[random() % object.size()] = static_cast<std::byte>(random());
    const auto extension = Extension::from_memory(object, "changed", options);
    if (!extension) {
      expect_one_line(extension.error().message);
      continue;
    }
    ++accepted;
    exercise(*extension);
  }
  EXPECT_GT(accepted, 0);
  EXPECT_LT(accepted, 200);
}

TEST(Loader, WindowsOfAllSizes) {
  const auto instance = guest::instantiate(guest::per_cpu);
  ASSERT_NE(instance, nullptr);
  EXPECT_FALSE(instance->window(0));
  EXPECT_FALSE(instance->window(~size_t{0}));
  EXPECT_FALSE(instance->window(size_t{1} << 40));
  EXPECT_FALSE(instance->window(4096, STDIN_FILENO + 1000));
  const auto small = instance->window(1);
  ASSERT_TRUE(small);
  const auto large = instance->window(3 << 20);
  ASSERT_TRUE(large);
  for (size_t i = 0; i < large->size(); ++i) (*large)[i] = static_cast<std::byte>(i);
  uint64_t expected = 0;
  for (size_t i = 0; i < large->size(); ++i) expected += i & 0xff;
  EXPECT_EQ(guest::value_of(*instance, "checksum", {reinterpret_cast<uint64_t>(large->data()), large->size()}),
            expected);
  const auto begin = reinterpret_cast<uint64_t>(large->data());
  EXPECT_TRUE(instance->owns(begin, large->size()));
  EXPECT_FALSE(instance->owns(begin, large->size() + 1));
  EXPECT_FALSE(instance->owns(begin, ~uint64_t{0}));
  EXPECT_FALSE(instance->owns(begin + large->size(), 1));
}

TEST(Loader, HostsThatCallWrongly) {
  const auto instance = guest::instantiate(guest::per_cpu);
  ASSERT_NE(instance, nullptr);
  EXPECT_FALSE(instance->entry("no_such_entry"));
  EXPECT_FALSE(instance->entry("count", "xdp"));
  const auto entry = instance->entry("count", "plugin");
  ASSERT_TRUE(entry);
  EXPECT_TRUE(instance->call(*entry + 1, {1}).fault);
  EXPECT_TRUE(instance->call(0, {}).fault);
  EXPECT_TRUE(instance->call(*entry, {1, 2, 3, 4, 5, 6, 7}).fault);
  EXPECT_EQ(guest::value_of(*instance, "count", {1}), 1u);  // none of these came in

  const auto xdp = instance->entry("third_crashes", "xdp");
  ASSERT_TRUE(xdp);
  std::optional<vbpf::Fault> fault;
  vbpf::XdpSlot outside{};
  EXPECT_EQ(instance->call_xdp(*xdp, {&outside, 1}, fault), 0u);
  EXPECT_TRUE(fault);
}

// Whoever makes an object can make its debug information take long to read. That does not hold the host up for long.
TEST(Loader, SlowDebugInformationIsGivenUp) {
  const auto instance = guest::instantiate(VBPF_GUESTS "/slow.o");
  ASSERT_NE(instance, nullptr);
  int named = 0, unnamed = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (const vbpf::EntryInfo& entry : instance->extension().entries()) {
    const vbpf::Outcome outcome = instance->call(*instance->entry(entry.name), {});
    ASSERT_TRUE(outcome.fault);
    EXPECT_EQ(vbpf::to_string(outcome.fault->kind), "undefined-instruction");
    EXPECT_EQ(outcome.fault->symbol, entry.name);
    ++(outcome.fault->line.empty() ? unnamed : named);
  }
  EXPECT_GT(named, 0);
  EXPECT_GT(unnamed, 0);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

// Opened, used and closed over and over: address space and memory come back.
TEST(Loader, NothingIsLeftOfInstances) {
  const auto mapped = [] {
    size_t lines = 0;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) ++lines;
    return lines;
  };
  guest::value_of(*guest::instantiate(guest::per_cpu), "count", {1});
  const size_t before = mapped();
  for (int i = 0; i < 100; ++i) guest::value_of(*guest::instantiate(guest::per_cpu), "count", {1});
  EXPECT_LE(mapped(), before + 30);
}

}  // namespace
