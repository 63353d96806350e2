// SPDX-License-Identifier: Apache-2.0
#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>

#include "output.h"
#include "packets.h"
#include "vbpf/abi.h"
#include "vbpf/source_line.h"
#include "vbpf/verifier.h"
#include "verb.h"

namespace vbpf::cli {
namespace {

constexpr size_t largest_object = 1 << 30;

struct Arguments {
  std::string file, variant;
};

struct VariantNames {
  verifier::Variant variant;
  const char* name;
  std::string_view section;  // with its final 0; empty: the object itself
};
constexpr std::array<VariantNames, 3> variants{
    {{verifier::Variant::user, "user", {}},
     {verifier::Variant::sfi, "sfi", {VBPF_SECTION_VARIANT_SFI, sizeof VBPF_SECTION_VARIANT_SFI}},
     {verifier::Variant::kernel, "kernel", {VBPF_SECTION_VARIANT_KERNEL, sizeof VBPF_SECTION_VARIANT_KERNEL}}}};

// Where the kernel's vmalloc addresses are.
constexpr uint64_t kernel_base = 0xffffc90000000000;

// The symbols the engine supplies. Where they are does not matter: nothing is run.
std::vector<verifier::External> externals(uint64_t base) {
  using Kind = verifier::External::Kind;
  uint64_t address = base + VBPF_OFF_THUNKS;
  std::vector<verifier::External> all{
      {"__x86_return_thunk", address, Kind::return_thunk},
      {VBPF_SYMBOL_HEAP_START, base + VBPF_OFF_HEAP, Kind::data},
      {VBPF_SYMBOL_HEAP_END, base + VBPF_OFF_HEAP + VBPF_HEAP_SIZE_DEFAULT, Kind::data}};
  const auto add = [&](std::string name) { all.push_back({std::move(name), address += 16, Kind::branch}); };
#define ADD(name) add("__x86_indirect_thunk_" #name);
  VBPF_THUNK_REGISTERS(ADD)
#undef ADD
#define VBPF_IMPORT(number, name, result, parameters) add(#name);
#include "vbpf/imports.def"
#undef VBPF_IMPORT
  return all;
}

std::vector<std::string> source_lines_of(std::span<const std::byte> object, verifier::Variant variant,
                                         const std::vector<verifier::Diagnostic>& diagnostics) {
  std::vector<SourcePlace> places;
  places.reserve(diagnostics.size());
  for (const verifier::Diagnostic& d : diagnostics) places.push_back({d.section, d.section_offset});
  return source_lines(object, variant, places);
}

Json accepted_json(const verifier::Image& image) {
  Json entries = Json::array();
  for (const verifier::Entry& entry : image.entries)
    entries.push_back({{"hook", printable(entry.hook)}, {"name", printable(entry.name)}});
  return {{"text_size", image.text_size},
          {"instructions", image.instructions},
          {"uses_vectors", image.uses_vectors},
          {"uses_avx", image.uses_avx},
          {"constructors", image.constructors.size()},
          {"entries", entries},
          {"manifest",
           {{"present", image.manifest.present},
            {"concurrency", concurrency_name(image.manifest.concurrency)},
            {"packet", image.manifest.packet},
            {"stack_size", image.manifest.stack_size},
            {"heap_size", image.manifest.heap_size}}}};
}

Json diagnostic_json(const verifier::Diagnostic& d, const std::string& line) {
  return {{"rule", d.rule},
          {"section", printable(d.section)},
          {"section_offset", d.section_offset},
          {"symbol", printable(d.symbol)},
          {"symbol_offset", d.symbol_offset},
          {"instruction", d.instruction},
          {"line", printable(line)},
          {"message", printable(d.message)},
          {"hint", d.hint}};
}

// One variant: {"variant", "ok", …}.
Json check(std::span<const std::byte> object, verifier::Variant variant, const char* name) {
  verifier::Options options;
  options.variant = variant;
  if (variant == verifier::Variant::kernel) options.region_base = kernel_base;
  options.externals = externals(options.region_base);
  const verifier::Result result = verifier::verify(object, options);
  Json answer{{"variant", name}, {"ok", result.image.has_value()}};
  if (result.image) answer.update(accepted_json(*result.image));
  Json diagnostics = Json::array();
  if (!result.diagnostics.empty()) {
    const auto lines = source_lines_of(object, variant, result.diagnostics);
    for (size_t i = 0; i < result.diagnostics.size(); ++i)
      diagnostics.push_back(diagnostic_json(result.diagnostics[i], lines[i]));
  }
  answer["diagnostics"] = diagnostics;
  return answer;
}

void print(const std::string& file, const Json& answer) {
  const auto variant = answer["variant"].get<std::string>();
  if (answer["ok"] == true) {
    std::string entries;
    for (const Json& entry : answer["entries"])
      entries += " " + entry["hook"].get<std::string>() + "/" + entry["name"].get<std::string>();
    fmt::print("{}: {}: accepted: {} instructions, {} bytes of text; entries:{}\n", file, variant,
               answer["instructions"].get<uint64_t>(), answer["text_size"].get<uint64_t>(), entries);
    return;
  }
  fmt::print("{}: {}: refused\n", file, variant);
  for (const Json& d : answer["diagnostics"]) {
    const auto text = [&](const char* key) { return d[key].get<std::string>(); };
    std::string where;
    if (!text("section").empty())
      where = fmt::format(" {}+{:#x}", text("section"), d["section_offset"].get<uint64_t>());
    if (!text("symbol").empty()) where += fmt::format(" {}+{:#x}", text("symbol"), d["symbol_offset"].get<uint64_t>());
    if (!text("line").empty()) where += " " + text("line");
    fmt::print("  {}:{}{}\n", text("rule"), where,
               text("instruction").empty() ? "" : ": `" + text("instruction") + "`");
    fmt::print("    {}\n", text("message"));
    if (!text("hint").empty()) fmt::print("    hint: {}\n", text("hint"));
  }
}

template <typename T>
std::optional<T> read_at(std::span<const std::byte> object, uint64_t offset) {
  if (offset > object.size() || object.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, object.data() + offset, sizeof value);
  return value;
}

// Whether a section of that name is there. Only a question of what to check: an object that lies here is refused by
// the verifier.
bool carries(std::span<const std::byte> object, std::string_view wanted) {
  const auto header = read_at<Elf64_Ehdr>(object, 0);
  if (!header || header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shoff > object.size()) return false;
  const auto section = [&](uint64_t i) {
    return read_at<Elf64_Shdr>(object, header->e_shoff + i * sizeof(Elf64_Shdr));
  };
  const auto first = section(0);  // holds the numbers that are too large for the header
  if (!first) return false;
  const uint64_t count = header->e_shnum == 0 ? first->sh_size : header->e_shnum;
  const auto names = section(header->e_shstrndx == SHN_XINDEX ? first->sh_link : header->e_shstrndx);
  if (!names || names->sh_offset > object.size()) return false;
  for (uint64_t i = 0; i < count; ++i) {
    const auto one = section(i);
    if (!one) return false;
    const uint64_t at = names->sh_offset + one->sh_name;
    if (at > object.size() || object.size() - at < wanted.size()) continue;
    if (std::memcmp(object.data() + at, wanted.data(), wanted.size()) == 0) return true;
  }
  return false;
}

Result<int> verify(const Arguments& arguments) {
  VBPF_TRY(const std::vector<std::byte> object, read_whole_file(arguments.file, largest_object));
  Json answers = Json::array();
  for (const VariantNames& one : variants) {
    // Unasked, only a variant that the object brings along.
    const bool wanted =
        arguments.variant.empty() ? one.section.empty() || carries(object, one.section) : arguments.variant == one.name;
    if (wanted) answers.push_back(check(object, one.variant, one.name));
  }
  const bool ok = std::all_of(answers.begin(), answers.end(), [](const Json& one) { return one["ok"] == true; });
  if (json_wanted()) {
    print_json({{"file", arguments.file}, {"ok", ok}, {"variants", answers}});
  } else {
    for (const Json& answer : answers) print(arguments.file, answer);
  }
  return ok ? exit_ok : exit_failed;
}

}  // namespace

Action add_verify(CLI::App& command) {
  auto arguments = std::make_shared<Arguments>();
  command.add_option("FILE", arguments->file, "any ELF object")->required();
  command
      .add_option("--variant", arguments->variant, "check as this one: user, sfi, kernel (all that are in the object)")
      ->check(CLI::IsMember({"user", "sfi", "kernel"}));
  add_json(command);
  return [arguments] { return verify(*arguments); };
}

}  // namespace vbpf::cli
