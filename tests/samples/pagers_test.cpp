// SPDX-License-Identifier: Apache-2.0
// What the pagers are made of: strides, and images that may lie.
#include <gtest/gtest.h>
#include <lz4.h>

#include <random>
#include <string>
#include <vector>

#include "../../samples/lz4_pager/image.h"
#include "../../samples/lz4_pager/lz4.h"
#include "snapshot.h"
#include "stride.h"

namespace {

using Bytes = std::vector<uint8_t>;

template <typename T>
void append(Bytes& bytes, const T& value) {
  const auto* from = reinterpret_cast<const uint8_t*>(&value);
  bytes.insert(bytes.end(), from, from + sizeof(value));
}

// ---- Stride --------------------------------------------------------------------------------------------------------

// Touches pages as a program does that finds those there already that were advised. How many faults it has.
int faults_of(const std::vector<uint64_t>& pages) {
  Stride stride;
  std::vector<bool> there(100000);
  int faults = 0;
  for (const uint64_t page : pages) {
    if (there[page]) continue;
    ++faults;
    there[page] = true;
    const Stride::Advice advice = stride.touch(page);
    for (uint32_t i = 1; i <= advice.count; ++i) {
      const int64_t next = static_cast<int64_t>(page) + int64_t{advice.distance} * i;
      if (next >= 0 && next < 100000) there[static_cast<size_t>(next)] = true;
    }
  }
  return faults;
}

std::vector<uint64_t> steps(uint64_t first, int64_t step, size_t count) {
  std::vector<uint64_t> pages;
  for (size_t i = 0; i < count; ++i) pages.push_back(first + static_cast<uint64_t>(step * static_cast<int64_t>(i)));
  return pages;
}

TEST(StrideTest, FollowsScansForwardsBackwardsAndInSteps) {
  EXPECT_LT(faults_of(steps(0, 1, 10000)), 170);  // 65 pages at a time
  EXPECT_LT(faults_of(steps(9999, -1, 10000)), 170);
  EXPECT_LT(faults_of(steps(5, 7, 10000)), 170);
}

TEST(StrideTest, LeavesRandomAccessesAlone) {
  std::minstd_rand random(1);
  Stride stride;
  uint64_t fetched = 0;
  for (int i = 0; i < 10000; ++i) fetched += stride.touch(random() % 100000).count;
  EXPECT_LT(fetched, 100u);
}

TEST(StrideTest, NoticesTheEndOfAScan) {
  Stride stride;
  for (const uint64_t page : {1, 2, 3}) stride.touch(page);
  EXPECT_EQ(stride.touch(50000).count, 0u);
  EXPECT_EQ(stride.touch(7).count, 0u);
}

// ---- Snapshots -----------------------------------------------------------------------------------------------------

Bytes snapshot_of(uint64_t pages, const std::vector<uint64_t>& index, size_t more, uint64_t page_size = 4096) {
  Bytes file;
  append(file, snapshot::Header{snapshot::magic, page_size, pages, 0});
  for (const uint64_t entry : index) append(file, entry);
  file.resize(file.size() + more, 7);
  return file;
}

TEST(SnapshotTest, ReadsPagesAndZeros) {
  const Bytes file = snapshot_of(2, {0, 48}, 4096);
  const auto image = snapshot::Image::open(file, 4096);
  ASSERT_TRUE(image);
  ASSERT_TRUE(image->page(0));
  EXPECT_TRUE(image->page(0)->empty());
  ASSERT_TRUE(image->page(1));
  EXPECT_EQ(image->page(1)->size(), 4096u);
  EXPECT_EQ(image->page(1)->data(), file.data() + 48);
  EXPECT_FALSE(image->page(2));
}

TEST(SnapshotTest, BelievesNothing) {
  EXPECT_FALSE(snapshot::Image::open({}, 4096));
  EXPECT_FALSE(snapshot::Image::open(snapshot_of(2, {0, 0}, 0, 8192), 4096));
  EXPECT_FALSE(snapshot::Image::open(snapshot_of(3, {0, 0}, 0), 4096)) << "the index is not there";
  EXPECT_FALSE(snapshot::Image::open(snapshot_of(~uint64_t{0}, {0, 0}, 0), 4096));
  Bytes other = snapshot_of(1, {0}, 0);
  other[0] ^= 1;
  EXPECT_FALSE(snapshot::Image::open(other, 4096));
  const Bytes file = snapshot_of(3, {56, 57, ~uint64_t{0} - 100}, 4096);
  const auto image = snapshot::Image::open(file, 4096);
  ASSERT_TRUE(image);
  EXPECT_TRUE(image->page(0));
  EXPECT_FALSE(image->page(1)) << "it ends beyond the file";
  EXPECT_FALSE(image->page(2));
}

// ---- LZ4 -----------------------------------------------------------------------------------------------------------

Bytes compress(const Bytes& plain) {
  Bytes block(static_cast<size_t>(LZ4_compressBound(static_cast<int>(plain.size()))));
  const int size =
      LZ4_compress_default(reinterpret_cast<const char*>(plain.data()), reinterpret_cast<char*>(block.data()),
                           static_cast<int>(plain.size()), static_cast<int>(block.size()));
  block.resize(static_cast<size_t>(size));
  return block;
}

TEST(Lz4Test, DecodesWhatTheLibraryMakes) {
  std::minstd_rand random(7);
  for (int round = 0; round < 2000; ++round) {
    Bytes plain(1 + random() % 9000);
    const unsigned letters = 1 + random() % 255;
    for (size_t i = 0; i < plain.size(); ++i)
      plain[i] = i > 20 && random() % 4 != 0 ? plain[i - 1 - random() % 20] : static_cast<uint8_t>(random() % letters);
    Bytes out(plain.size());
    ASSERT_EQ(lz4::decode(compress(plain), out), plain.size()) << round;
    ASSERT_EQ(out, plain) << round;
  }
}

TEST(Lz4Test, DamagedBlocksNeverWriteOutside) {
  std::minstd_rand random(9);
  Bytes plain(4096);
  for (size_t i = 0; i < plain.size(); ++i) plain[i] = static_cast<uint8_t>(i * i >> 4);
  const Bytes block = compress(plain);
  int refused = 0;
  for (int round = 0; round < 20000; ++round) {
    Bytes damaged(block.begin(), block.begin() + static_cast<ptrdiff_t>(random() % (block.size() + 1)));
    for (size_t i = 0; i < 3 && !damaged.empty(); ++i)
      damaged[random() % damaged.size()] = static_cast<uint8_t>(random());
    Bytes guarded(4096 + 64, 0xee);
    const auto size = lz4::decode(damaged, std::span(guarded).first(4096));
    refused += !size;
    if (size) {
      ASSERT_LE(*size, 4096u);
    }
    for (size_t i = 4096; i < guarded.size(); ++i) ASSERT_EQ(guarded[i], 0xee) << round;
  }
  EXPECT_GT(refused, 1000);
}

TEST(Lz4Test, ImagesBelieveNothing) {
  Bytes file;
  append(file, lz4_image::Header{lz4_image::magic, 4096, 3, 0});
  append(file, lz4_image::Entry{80, 4, 0});
  append(file, lz4_image::Entry{80, 5, 0});
  append(file, lz4_image::Entry{~uint64_t{0}, 1, 0});
  file.resize(84);
  const auto image = lz4_image::Image::open(file, 4096);
  ASSERT_TRUE(image);
  EXPECT_EQ(image->page(0)->size(), 4u);
  EXPECT_FALSE(image->page(1));
  EXPECT_FALSE(image->page(2));
  EXPECT_FALSE(image->page(3));
  EXPECT_FALSE(lz4_image::Image::open(file, 8192));
  EXPECT_FALSE(lz4_image::Image::open(std::span(file).first(79), 4096));
}

}  // namespace
