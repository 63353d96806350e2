// SPDX-License-Identifier: Apache-2.0
// <vbpf/pager.h> and its C twin, as a program uses them.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "area.h"
#include "vbpf/libvbpf.h"
#include "vbpf/pager.h"

namespace vbpf::uffd::test {
namespace {

struct Plain {  // memory without a userfaultfd
  Plain()
      : memory(static_cast<std::byte*>(
            ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {}
  ~Plain() { ::munmap(memory, size); }
  Plain(const Plain&) = delete;
  Plain& operator=(const Plain&) = delete;
  uint64_t word(size_t page) const { return *reinterpret_cast<volatile uint64_t*>(memory + page * 4096); }
  static constexpr size_t size = size_t{64} * 4096;
  std::byte* memory;
};

TEST(LibraryPager, TenLines) {
  const Plain plain;
  const auto extension = Extension::open(UFFD_EXTENSIONS "/obey.o", {});
  ASSERT_TRUE(extension) << extension.error().message;
  {
    const auto pager = Pager::page(*extension, {plain.memory, plain.size});
    ASSERT_TRUE(pager) << pager.error().message;
    EXPECT_EQ(plain.word(12), 12u);
    EXPECT_EQ(plain.word(13), 13u);
    EXPECT_FALSE((*pager)->ended());
  }
  EXPECT_EQ(plain.word(14), 0u) << "plain memory again";
  EXPECT_EQ(plain.word(13), 13u);
}

TEST(LibraryPager, InPlaceOfAHandlerThread) {
  const Area area;
  const auto extension = Extension::open(UFFD_EXTENSIONS "/obey.o", {});
  ASSERT_TRUE(extension);
  {
    const auto pager = Pager::attach(*extension, area.descriptor());
    ASSERT_TRUE(pager) << pager.error().message;
    EXPECT_EQ(area.word(12), 12u);
  }
  const OldHandler handler(area.descriptor());
  EXPECT_EQ(area.word(13), OldHandler::word);
}

// In scripts/vm; elsewhere the reason is said.
TEST(LibraryPager, InTheKernelWhereThatCan) {
  const Plain plain;
  const auto extension = Extension::open(UFFD_EXTENSIONS "/obey.o", {});
  ASSERT_TRUE(extension);
  PagerOptions options;
  options.place = PagerPlace::kernel;
  const bool can = ::access("/dev/vbpf", F_OK) == 0;
  {
    const auto pager = Pager::page(*extension, {plain.memory, plain.size}, options);
    if (!can) {
      ASSERT_FALSE(pager);
      EXPECT_NE(pager.error().message.find("has no vBPF engine"), std::string::npos) << pager.error().message;
      return;
    }
    ASSERT_TRUE(pager) << pager.error().message;
    EXPECT_EQ((*pager)->place(), PagerPlace::kernel);
    EXPECT_EQ(plain.word(12), 12u);
    EXPECT_EQ((*pager)->stats().answered, 1u);
    const Area area;
    options.place = PagerPlace::automatic;
    const auto attached = Pager::attach(*extension, area.descriptor(), options);
    ASSERT_TRUE(attached) << attached.error().message;
    EXPECT_EQ((*attached)->place(), PagerPlace::kernel);
    EXPECT_EQ(area.word(13), 13u);
  }
  EXPECT_EQ(plain.word(14), 0u) << "plain memory again";
}

TEST(LibraryPager, SaysWhatIsWrong) {
  const auto extension = Extension::open(UFFD_EXTENSIONS "/obey.o", {});
  ASSERT_TRUE(extension);
  const Plain plain;
  const auto odd = Pager::page(*extension, {plain.memory + 1, 4096});
  ASSERT_FALSE(odd);
  EXPECT_NE(odd.error().message.find("must be whole pages"), std::string::npos);
  PagerOptions options;
  options.entry = "other";
  const auto none = Pager::page(*extension, {plain.memory, plain.size}, options);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().message, "obey has no uffd entry 'other'; it has obey");
  EXPECT_EQ(plain.word(1), 0u) << "not registered any more";
  EXPECT_FALSE(Pager::attach(*extension, 0));
}

TEST(LibraryPager, InC) {
  const Plain plain;
  vbpf_error* error = nullptr;
  vbpf_extension* extension = vbpf_extension_open(UFFD_EXTENSIONS "/obey.o", nullptr, &error);
  ASSERT_NE(extension, nullptr);
  vbpf_pager_options options = VBPF_PAGER_OPTIONS_INIT;
  options.threads = 2;
  std::string said;
  options.log_data = &said;
  options.log = [](void* data, const char* line, size_t length) {
    static_cast<std::string*>(data)->append(line, length);
  };
  vbpf_pager* pager = vbpf_pager_create(extension, plain.memory, plain.size, &options, &error);
  ASSERT_NE(pager, nullptr) << vbpf_error_get_message(error);
  vbpf_extension_close(extension);
  EXPECT_EQ(plain.word(ahead), uint64_t{ahead});
  vbpf_pager_stats stats{};
  stats.size = sizeof(stats);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  do vbpf_pager_get_stats(pager, &stats);
  while (stats.prefetched != 3 && std::chrono::steady_clock::now() < end);
  EXPECT_EQ(stats.prefetched, 3u);
  EXPECT_EQ(stats.answered, 1u);
  vbpf_pager_destroy(pager);
  options.size = 8;
  extension = vbpf_extension_open(UFFD_EXTENSIONS "/obey.o", nullptr, &error);
  EXPECT_EQ(vbpf_pager_create(extension, plain.memory, plain.size, &options, &error), nullptr);
  EXPECT_NE(std::string(vbpf_error_get_message(error)).find("VBPF_PAGER_OPTIONS_INIT"), std::string::npos);
  vbpf_error_free(error);
  EXPECT_EQ(vbpf_uffd_attach(0, extension, nullptr, nullptr), nullptr);
  vbpf_extension_close(extension);
  vbpf_pager_destroy(nullptr);
}

}  // namespace
}  // namespace vbpf::uffd::test
