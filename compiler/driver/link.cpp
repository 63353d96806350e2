// SPDX-License-Identifier: Apache-2.0
// The link step: each variant's objects and what they need of the extension runtime become one object; what is still
// undefined must be something the loader supplies.
#include <filesystem>
#include <map>

#include "advice.h"
#include "build.h"
#include "kernel_variant.h"
#include "objects.h"
#include "vbpf/abi.h"

namespace vbpf::driver {
namespace {

// Messages of the linker speak of temporary files: put the names there that the user gave.
std::string with_source_names(std::string text, const std::vector<Unit>& units, Variant variant) {
  for (const Unit& unit : units) {
    const std::string& temporary = unit.parts[variant].object;
    if (temporary.empty()) continue;
    for (size_t at = 0; (at = text.find(temporary, at)) != std::string::npos; at += unit.source.size())
      text.replace(at, temporary.size(), unit.source);
  }
  return text;
}

std::string user_of(const std::string& symbol, const std::vector<Unit>& units, Variant variant) {
  std::string why;
  for (const Unit& unit : units) {
    std::optional<ObjectFile> object = ObjectFile::open(unit.parts[variant].object, why);
    if (object && object->undefined_symbols().contains(symbol)) return unit.source;
  }
  return "the extension runtime";
}

// Every symbol left over, with the file that wants it and what to use instead: a line of `errors` each.
bool check_undefined(const std::string& path, const std::vector<Unit>& units, Variant variant, std::string& errors) {
  std::string why;
  std::optional<ObjectFile> object = ObjectFile::open(path, why);
  if (!object) {
    errors = "cannot read what the linker wrote: " + why + "\n";
    return false;
  }
  for (const std::string& symbol : object->undefined_symbols()) {
    if (supplied_by_loader(symbol)) continue;
    std::string advice = advice_for(symbol);
    if (advice.empty()) advice = "not defined in any input; extensions may call the functions of <vbpf/imports.def>";
    errors += user_of(symbol, units, variant) + ": undefined symbol '" + demangle(symbol) + "': " + advice + "\n";
  }
  return errors.empty();
}

bool check_manifest(const std::string& path, std::string& errors) {
  std::string why;
  std::optional<ObjectFile> object = ObjectFile::open(path, why);
  std::optional<std::string_view> manifest = object ? object->section(VBPF_SECTION_MANIFEST) : std::nullopt;
  if (!manifest || manifest->size() == sizeof(vbpf_manifest)) return true;
  errors = "the manifest has the wrong size: use VBPF_MANIFEST once, in one file\n";
  return false;
}

// What came of linking one variant. The linker's own text is shown as it is, the driver's lines as errors.
struct Linking {
  int code = 0;
  std::string linker, lines;
};

Linking link_variant(const Job& job, const std::vector<Unit>& units, Variant variant, std::string& output) {
  std::string name(names_of(variant).name);
  output = job.folder.file(name + ".o");
  std::vector<std::string> command{job.toolchain.linker, "-r", "-m", "elf_x86_64", "-o", output};
  for (const Unit& unit : units) command.push_back(unit.parts[variant].object);
  if (!job.arguments.no_runtime) {
    std::string archive = job.toolchain.runtime + "/" + name + "/libvbpf_rt.a";
    if (!std::filesystem::exists(archive))
      return {.code = 1,
              .linker = "",
              .lines = "the extension runtime '" + archive + "' is not there: install vBPF again\n"};
    command.push_back(archive);
  }
  Linking result;
  result.code = job.run_tool(command, &result.linker);
  result.linker = with_source_names(result.linker, units, variant);
  if (result.code != 0 || job.arguments.dry_run) return result;
  if (!check_manifest(output, result.lines) || !check_undefined(output, units, variant, result.lines)) result.code = 1;
  return result;
}

void show(const Linking& linking) {
  std::fputs(linking.linker.c_str(), stderr);
  std::string_view rest = linking.lines;
  while (!rest.empty()) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    error(std::string(line));
    rest.remove_prefix(line.size() + 1);
  }
}

// Why an input cannot take part in a variant; empty if all can.
std::string why_not(const std::vector<Unit>& units, Variant variant) {
  for (const Unit& unit : units) {
    if (unit.parts[variant].object.empty()) return unit.parts[variant].missing;
  }
  return {};
}

bool any_nested_wanted(const Arguments& arguments) {
  return arguments.wants[Variant::sfi] || arguments.wants[Variant::kernel];
}

// A nested variant that is wanted and not there is an error if it was named, and else a warning.
int check_nested(const Job& job, const Unit& unit) {
  for (Variant variant : nested_variants) {
    const Part& part = unit.parts[variant];
    if (!job.arguments.wants[variant] || !part.object.empty()) continue;
    std::string name(names_of(variant).name);
    if (job.arguments.variants_named) {
      error("variant '" + name + "' cannot be built: " + part.missing);
      return 1;
    }
    warning("left out variant '" + name + "': " + part.missing);
  }
  return 0;
}

// An object without code of its own, to carry the others.
int write_empty(const Job& job, std::string& path) {
  std::string nothing = job.folder.file("empty.s");
  path = job.folder.file("empty.o");
  if (write_file(nothing, "")) return assemble(job, nothing, path);
  error("cannot write to the temporary folder: is the disk full?");
  return 1;
}

}  // namespace

int link(const Job& job, const std::vector<Unit>& units, Unit& linked) {
  const Arguments& arguments = job.arguments;
  for (Variant variant : variants) {
    Part& part = linked.parts[variant];
    if (!arguments.wants[variant]) {
      part.missing = "it was linked with --variant=" + wanted_names(arguments);
      continue;
    }
    part.missing = why_not(units, variant);
    if (!part.missing.empty()) {
      if (variant != Variant::user || (!arguments.variants_named && any_nested_wanted(arguments))) continue;
      error("variant 'user' cannot be built: " + part.missing);
      return 1;
    }
    Linking linking = link_variant(job, units, variant, part.object);
    // What is wrong with this variant alone leaves it out: the others were linked.
    if (linking.code != 0 && variant == Variant::kernel && !arguments.variants_named) {
      part = {.object = "", .missing = first_error(linking.linker + linking.lines)};
      continue;
    }
    show(linking);
    if (linking.code != 0) return linking.code;
  }
  return 0;
}

int write_object(const Job& job, const Unit& unit, const std::string& output) {
  const Arguments& arguments = job.arguments;
  if (int code = check_nested(job, unit)) return code;
  if (arguments.emit_variant)
    return job.run_tool({job.toolchain.objcopy, unit.parts[*arguments.emit_variant].object, output});
  std::string base = unit.parts[Variant::user].object;
  if (base.empty()) {
    if (int code = write_empty(job, base)) return code;
  }
  std::vector<std::string> command{job.toolchain.objcopy};
  for (Variant variant : nested_variants) {
    const Part& part = unit.parts[variant];
    const char* section = part.object.empty() ? names_of(variant).missing : names_of(variant).section;
    std::string file = part.object;
    if (file.empty()) {
      file = job.folder.file(section);
      if (!write_file(file, part.missing)) {
        error("cannot write to the temporary folder: is the disk full?");
        return 1;
      }
    }
    command.push_back(std::string("--add-section=") + section + "=" + file);
  }
  command.insert(command.end(), {base, output});
  return job.run_tool(command);
}

}  // namespace vbpf::driver
