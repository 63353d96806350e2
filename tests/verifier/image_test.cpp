// SPDX-License-Identifier: Apache-2.0
// What an accepted image says: addresses, relocated contents, marks, entries, constructors, manifest.
#include <gtest/gtest.h>

#include <cstring>

#include "support.h"
#include "vbpf/abi.h"

namespace vbpf::verifier::test {
namespace {

// At an address of a process, and at one of the kernel: nothing may take an address for a signed number.
class ImageTest : public testing::TestWithParam<uint64_t> {
 protected:
  void SetUp() override {
    object_ = read_file(std::filesystem::path(VBPF_OBJECTS) / "everything.o");
    result_ = verify(object_, options_for(Variant::user, base));
    ASSERT_TRUE(result_.image) << describe(result_);
  }

  const Image& image() const { return *result_.image; }
  uint64_t address(const std::string& name) const {
    for (const Symbol& symbol : image().symbols) {
      if (symbol.name == name) return symbol.address;
    }
    ADD_FAILURE() << "no symbol " << name;
    return 0;
  }
  const Segment* at(uint64_t address) const {
    for (const Segment& segment : image().segments) {
      if (address >= segment.address && address < segment.address + segment.size) return &segment;
    }
    return nullptr;
  }
  template <typename T>
  T value(uint64_t address) const {
    T result{};
    const Segment* segment = at(address);
    EXPECT_NE(segment, nullptr);
    if (segment) std::memcpy(&result, segment->bytes.data() + (address - segment->address), sizeof(T));
    return result;
  }
  int marks(uint64_t address) const {
    return static_cast<int>(image().target_map[address - image().segments[0].address]);
  }

  const uint64_t base = GetParam();
  std::vector<std::byte> object_;
  Result result_;
};
INSTANTIATE_TEST_SUITE_P(At, ImageTest, testing::Values(0x7f5500000000, 0xffffc90000000000, 0xffffffff00000000));

TEST_P(ImageTest, SegmentsArePagesWithGuardsBetween) {
  ASSERT_EQ(image().segments.size(), 3u);
  EXPECT_EQ(image().segments[0].kind, Segment::Kind::text);
  EXPECT_EQ(image().segments[1].kind, Segment::Kind::read_only);
  EXPECT_EQ(image().segments[2].kind, Segment::Kind::data);
  EXPECT_EQ(image().segments[0].address, base + VBPF_OFF_IMAGE);
  for (size_t i = 0; i < 3; ++i) {
    const Segment& segment = image().segments[i];
    EXPECT_EQ(segment.address % 4096, 0u);
    if (i > 0) {
      const Segment& before = image().segments[i - 1];
      EXPECT_GE(segment.address, ((before.address + before.size + 4095) & ~4095ull) + 4096);
    }
  }
  const Segment& text = image().segments[0];
  EXPECT_EQ(text.size % 4096, 0u);
  EXPECT_EQ(text.bytes.size(), text.size);
  EXPECT_EQ(text.bytes.back(), std::byte{0xcc});
  EXPECT_EQ(image().text_size, text.size);
  EXPECT_EQ(image().region_base, base);
}

TEST_P(ImageTest, SectionsAreWhereTheirFlagsSay) {
  EXPECT_EQ(at(address("first"))->kind, Segment::Kind::text);
  EXPECT_EQ(at(address("constant"))->kind, Segment::Kind::read_only);
  EXPECT_EQ(at(address("table"))->kind, Segment::Kind::read_only);  // relocated by us, so nobody need write it
  EXPECT_EQ(at(address("data"))->kind, Segment::Kind::data);
  const Segment* bss = at(address("zeros"));
  ASSERT_EQ(bss->kind, Segment::Kind::data);
  EXPECT_GE(bss->size - bss->bytes.size(), 10000u);
  EXPECT_GE(address("zeros") - bss->address, bss->bytes.size());
}

TEST_P(ImageTest, RelocationsPointWhereTheyShould) {
  EXPECT_EQ(value<uint64_t>(address("data")), address("data") + 8);
  EXPECT_EQ(value<uint64_t>(address("data") + 16), base + VBPF_OFF_WINDOW);
  EXPECT_EQ(value<uint64_t>(address("constant")), address("in_table"));
  EXPECT_EQ(value<uint64_t>(address("table")), address("constant"));
  EXPECT_EQ(address("constant") + 8 + value<int32_t>(address("constant") + 8), address("distance"));
  uint64_t first = address("first");
  EXPECT_EQ(first + 5 + value<int32_t>(first + 1), address("local"));
  // Three loads from the offset table: two symbols, two slots, in read-only memory.
  uint64_t load = address("after_calls") + 14;
  auto slot = [&](uint64_t at_address) { return at_address + 7 + value<int32_t>(at_address + 3); };
  EXPECT_EQ(value<uint64_t>(slot(load)), address("data"));
  EXPECT_EQ(value<uint64_t>(slot(load + 7)), address("taken"));
  EXPECT_EQ(slot(load), slot(load + 14));
  EXPECT_EQ(at(slot(load))->kind, Segment::Kind::read_only);
}

TEST_P(ImageTest, TargetMapMarksReturnsAndTakenAddressesOnly) {
  uint64_t first = address("first");
  EXPECT_EQ(marks(first + 5), VBPF_TARGET_RETURN);
  EXPECT_EQ(marks(first + 10), VBPF_TARGET_RETURN);
  EXPECT_EQ(marks(first), VBPF_TARGET_ENTRY);                // an entry point
  EXPECT_EQ(marks(address("second")), VBPF_TARGET_ENTRY);    // an entry point, and a constructor
  EXPECT_EQ(marks(address("local")), VBPF_TARGET_ENTRY);     // lea
  EXPECT_EQ(marks(address("taken")), VBPF_TARGET_ENTRY);     // offset table
  EXPECT_EQ(marks(address("early")), VBPF_TARGET_ENTRY);     // constructor
  EXPECT_EQ(marks(address("in_table")), VBPF_TARGET_ENTRY);  // pointer in data
  EXPECT_EQ(marks(address("distance")), VBPF_TARGET_ENTRY);  // distance in data
  EXPECT_EQ(marks(address("middle") + 1), 0);                // no instruction starts there
  int total = 0;
  for (std::byte mark : image().target_map) total += mark != std::byte{0};
  EXPECT_EQ(total, 3 + 8);  // `second` is called, `late` constructs
}

TEST_P(ImageTest, EntriesConstructorsAndManifest) {
  ASSERT_EQ(image().entries.size(), 2u);
  for (const Entry& entry : image().entries) {
    EXPECT_EQ(entry.address, address(entry.name));
    EXPECT_EQ(entry.hook, entry.name == "first" ? "plugin" : "xdp");
  }
  EXPECT_EQ(image().constructors, (std::vector<uint64_t>{address("early"), address("second"), address("late")}));
  EXPECT_TRUE(image().manifest.present);
  EXPECT_EQ(image().manifest.concurrency, VBPF_CONCURRENCY_SHARED);
  EXPECT_EQ(image().manifest.stack_size, 0x20000u);
  EXPECT_EQ(image().manifest.heap_size, VBPF_HEAP_SIZE_DEFAULT);
  EXPECT_TRUE(image().uses_avx);
}

TEST_P(ImageTest, SymbolsAreSortedAndKnowTheirSection) {
  for (size_t i = 1; i < image().symbols.size(); ++i)
    EXPECT_LE(image().symbols[i - 1].address, image().symbols[i].address);
  for (const Symbol& symbol : image().symbols) {
    if (symbol.name != "distance") continue;
    EXPECT_EQ(symbol.section, ".text.more");
    EXPECT_EQ(symbol.section_offset, 2u);
    EXPECT_EQ(symbol.size, 2u);
    EXPECT_TRUE(symbol.function);
  }
}

TEST_P(ImageTest, TheSameObjectLinksForAnyRegion) {
  Result other = verify(object_, options_for(Variant::user, 0x200000000000));
  ASSERT_TRUE(other.image) << describe(other);
  EXPECT_EQ(other.image->segments[0].address - 0x200000000000, image().segments[0].address - base);
  EXPECT_EQ(other.image->target_map, image().target_map);
}

TEST(Verify, WithoutAManifestTheDefaultsHold) {
  Result result = verify(read_file(std::filesystem::path(VBPF_CASES_OBJECTS) / "accept_code_integer.o"),
                         options_for(Variant::user));
  ASSERT_TRUE(result.image) << describe(result);
  EXPECT_FALSE(result.image->manifest.present);
  EXPECT_EQ(result.image->manifest.concurrency, VBPF_CONCURRENCY_PER_CPU);
  EXPECT_EQ(result.image->manifest.stack_size, VBPF_STACK_SIZE_DEFAULT);
  EXPECT_FALSE(result.image->uses_avx);
  EXPECT_FALSE(result.image->uses_vectors);
}

TEST(Verify, SaysWhetherVectorRegistersAreNamed) {
  Result result = verify(read_file(std::filesystem::path(VBPF_CASES_OBJECTS) / "accept_code_register_mmx.o"),
                         options_for(Variant::user));
  ASSERT_TRUE(result.image) << describe(result);
  EXPECT_TRUE(result.image->uses_vectors);
  EXPECT_FALSE(result.image->uses_avx);
}

TEST(Verify, StopsAtTheNumberOfDiagnosticsAskedFor) {
  std::vector<std::byte> object = read_file(std::filesystem::path(VBPF_CASES_OBJECTS) / "accept_code_integer.o");
  Options options = options_for(Variant::sfi);
  for (size_t max : {1, 2, 3}) {
    options.max_diagnostics = max;
    Result result = verify(object, options);
    EXPECT_FALSE(result.image);
    EXPECT_EQ(result.diagnostics.size(), max);
  }
}

TEST(Verify, ADiagnosticNamesThePlace) {
  Result result =
      verify(read_file(std::filesystem::path(VBPF_CASES_OBJECTS) / "reject_code_branch_wrpkru_in_immediate.o"),
             options_for(Variant::user));
  ASSERT_EQ(result.diagnostics.size(), 1u);
  const Diagnostic& diagnostic = result.diagnostics[0];
  EXPECT_EQ(diagnostic.section, "plugin");
  EXPECT_EQ(diagnostic.section_offset, 0u);
  EXPECT_EQ(diagnostic.symbol, "f");
  EXPECT_EQ(diagnostic.symbol_offset, 0u);
  EXPECT_NE(diagnostic.instruction.find("jmp"), std::string::npos);
}

// The sfi variant is an object inside the object.
class Nested : public testing::Test {
 protected:
  static Result verify_as(const char* object, Variant variant) {
    return verify(read_file(std::filesystem::path(VBPF_OBJECTS) / object), options_for(variant));
  }
};

TEST_F(Nested, EachVariantIsItsOwnObject) {
  Result user = verify_as("nested.o", Variant::user), sfi = verify_as("nested.o", Variant::sfi);
  ASSERT_TRUE(user.image) << describe(user);
  ASSERT_TRUE(sfi.image) << describe(sfi);
  EXPECT_EQ(user.image->entries[0].name, "first");
  EXPECT_EQ(sfi.image->entries[0].name, "f");
  EXPECT_TRUE(sfi.image->manifest.present);  // that of the object around it
}

TEST_F(Nested, ADiagnosticSaysWhichVariant) {
  Result result = verify_as("nested_bad.o", Variant::sfi);
  ASSERT_FALSE(result.image);
  EXPECT_EQ(result.diagnostics[0].rule, "code-opcode");
  EXPECT_TRUE(result.diagnostics[0].message.starts_with("in vbpf.variant.sfi: "));
  EXPECT_TRUE(verify_as("nested_bad.o", Variant::user).image);
}

TEST_F(Nested, AnObjectInAnObjectInAnObjectIsRefused) {
  Result result = verify_as("nested_twice.o", Variant::sfi);
  ASSERT_FALSE(result.image);
  EXPECT_EQ(result.diagnostics[0].rule, "object-variant");
}

TEST_F(Nested, AMissingVariantGivesItsReason) {
  Result result = verify(read_file(std::filesystem::path(VBPF_CASES_OBJECTS) / "reject_object_variant_missing.o"),
                         options_for(Variant::sfi));
  ASSERT_EQ(result.diagnostics.size(), 1u);
  EXPECT_NE(result.diagnostics[0].message.find("asm statement in a.cpp"), std::string::npos);
}

// What `ld -r` makes of two objects that share a COMDAT function.
TEST(Verify, AcceptsWhatALinkerMerged) {
  Result result = verify(read_file(std::filesystem::path(VBPF_OBJECTS) / "merged.o"), options_for(Variant::user));
  ASSERT_TRUE(result.image) << describe(result);
  EXPECT_EQ(result.image->entries.size(), 2u);
}

// C++ from the compiler as it is, with the two options that ARCHITECTURE asks for.
TEST(Verify, AcceptsPlainClangOutput) {
  for (const char* name : {"plain_O0.o", "plain_O2.o", "plain_avx2.o"}) {
    Result result = verify(read_file(std::filesystem::path(VBPF_OBJECTS) / name), options_for(Variant::user));
    EXPECT_TRUE(result.image) << name << '\n' << describe(result);
  }
}

}  // namespace
}  // namespace vbpf::verifier::test
