// SPDX-License-Identifier: Apache-2.0
// The variants an extension object carries, and what a step of the driver makes of each.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "vbpf/abi.h"

namespace vbpf::driver {

enum class Variant : size_t { user, sfi, kernel };
constexpr std::array variants{Variant::user, Variant::sfi, Variant::kernel};
// Those that are a section of the object; the user variant is the object itself.
constexpr std::array nested_variants{Variant::sfi, Variant::kernel};

struct VariantNames {
  std::string_view name;
  const char *section, *missing;  // the variant's bytes, or why it is not there; none for user
};
constexpr std::array<VariantNames, variants.size()> variant_names{
    {{"user", nullptr, nullptr},
     {"sfi", VBPF_SECTION_VARIANT_SFI, VBPF_SECTION_MISSING_SFI},
     {"kernel", VBPF_SECTION_VARIANT_KERNEL, VBPF_SECTION_MISSING_KERNEL}}};

constexpr const VariantNames& names_of(Variant variant) { return variant_names[static_cast<size_t>(variant)]; }

// One value for each variant.
template <typename T>
struct PerVariant {
  std::array<T, variants.size()> values{};
  T& operator[](Variant variant) { return values[static_cast<size_t>(variant)]; }
  const T& operator[](Variant variant) const { return values[static_cast<size_t>(variant)]; }
};

// A variant of an input or of the linked extension: an object file, or why there is none.
struct Part {
  std::string object, missing;
};

}  // namespace vbpf::driver
