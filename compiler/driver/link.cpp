// SPDX-License-Identifier: Apache-2.0
// The link step: each variant's objects and what they need of the extension runtime become one object; what is still
// undefined must be something the loader supplies.
#include <filesystem>
#include <map>

#include "advice.h"
#include "build.h"
#include "objects.h"
#include "vbpf/abi.h"

namespace vbpf::driver {
namespace {

using Path = std::string Unit::*;

// Messages of the linker speak of temporary files: put the names there that the user gave.
std::string with_source_names(std::string text, const std::vector<Unit>& units, Path variant) {
  for (const Unit& unit : units) {
    const std::string& temporary = unit.*variant;
    if (temporary.empty()) continue;
    for (size_t at = 0; (at = text.find(temporary, at)) != std::string::npos; at += unit.source.size())
      text.replace(at, temporary.size(), unit.source);
  }
  return text;
}

std::string user_of(const std::string& symbol, const std::vector<Unit>& units, Path variant) {
  std::string why;
  for (const Unit& unit : units) {
    std::optional<ObjectFile> object = ObjectFile::open(unit.*variant, why);
    if (object && object->undefined_symbols().contains(symbol)) return unit.source;
  }
  return "the extension runtime";
}

// Every symbol left over, with the file that wants it and what to use instead.
int check_undefined(const std::string& path, const std::vector<Unit>& units, Path variant) {
  std::string why;
  std::optional<ObjectFile> object = ObjectFile::open(path, why);
  if (!object) {
    error("cannot read what the linker wrote: " + why);
    return 1;
  }
  int code = 0;
  for (const std::string& symbol : object->undefined_symbols()) {
    if (supplied_by_loader(symbol)) continue;
    std::string advice = advice_for(symbol);
    if (advice.empty()) advice = "not defined in any input; extensions may call the functions of <vbpf/imports.def>";
    error(user_of(symbol, units, variant) + ": undefined symbol '" + demangle(symbol) + "': " + advice);
    code = 1;
  }
  return code;
}

int check_manifest(const std::string& path) {
  std::string why;
  std::optional<ObjectFile> object = ObjectFile::open(path, why);
  std::optional<std::string_view> manifest = object ? object->section(VBPF_SECTION_MANIFEST) : std::nullopt;
  if (!manifest || manifest->size() == sizeof(vbpf_manifest)) return 0;
  error("the manifest has the wrong size: use VBPF_MANIFEST once, in one file");
  return 1;
}

int link_variant(const Job& job, const std::vector<Unit>& units, Path variant, const char* name, std::string& output) {
  output = job.folder.file(std::string(name) + ".o");
  std::vector<std::string> command{job.toolchain.linker, "-r", "-m", "elf_x86_64", "-o", output};
  for (const Unit& unit : units) command.push_back(unit.*variant);
  if (!job.arguments.no_runtime) {
    std::string archive = job.toolchain.runtime + "/" + name + "/libvbpf_rt.a";
    if (!std::filesystem::exists(archive)) {
      error("the extension runtime '" + archive + "' is not there: install vBPF again");
      return 1;
    }
    command.push_back(archive);
  }
  std::string errors;
  int code = job.run_tool(command, &errors);
  if (!errors.empty()) std::fputs(with_source_names(errors, units, variant).c_str(), stderr);
  if (code != 0 || job.arguments.dry_run) return code;
  if (int bad = check_manifest(output)) return bad;
  return check_undefined(output, units, variant);
}

// The inputs that cannot take part in a variant; empty if all can.
std::string why_no_user(const std::vector<Unit>& units) {
  for (const Unit& unit : units) {
    if (unit.user.empty()) return unit.source + " was compiled with --variant=sfi";
  }
  return {};
}
std::string why_no_sfi(const std::vector<Unit>& units) {
  for (const Unit& unit : units) {
    if (unit.sfi.empty()) return unit.no_sfi;
  }
  return {};
}

}  // namespace

int link(const Job& job, const std::vector<Unit>& units, Unit& linked) {
  if (job.arguments.want_user) {
    std::string why = why_no_user(units);
    if (why.empty()) {
      if (int code = link_variant(job, units, &Unit::user, "user", linked.user)) return code;
    } else if (job.arguments.variants_named || !job.arguments.want_sfi) {
      error("variant 'user' cannot be built: " + why);
      return 1;
    }
  }
  linked.no_sfi = "it was linked with --variant=user";
  if (!job.arguments.want_sfi) return 0;
  linked.no_sfi = why_no_sfi(units);
  if (!linked.no_sfi.empty()) return 0;
  return link_variant(job, units, &Unit::sfi, "sfi", linked.sfi);
}

int write_object(const Job& job, const Unit& unit, const std::string& output) {
  const Arguments& arguments = job.arguments;
  if (arguments.want_sfi && unit.sfi.empty()) {
    if (arguments.variants_named) {
      error("variant 'sfi' cannot be built: " + unit.no_sfi);
      return 1;
    }
    warning("left out variant 'sfi': " + unit.no_sfi);
  }
  if (!arguments.emit_variant.empty())
    return job.run_tool({job.toolchain.objcopy, arguments.emit_variant == "sfi" ? unit.sfi : unit.user, output});
  std::string base = unit.user;
  if (base.empty()) {  // only SFI: the outer object is empty
    std::string nothing = job.folder.file("empty.s");
    base = job.folder.file("empty.o");
    std::vector<std::string> command = assemble_command(job.toolchain);
    command.insert(command.end(), {"-o", base, nothing});
    if (!write_file(nothing, "") || job.run_tool(command) != 0) return 1;
  }
  std::vector<std::string> command{job.toolchain.objcopy};
  auto add_text = [&](const char* section, const std::string& text) {
    std::string file = job.folder.file(section);
    if (!write_file(file, text)) return false;
    command.push_back(std::string("--add-section=") + section + "=" + file);
    return true;
  };
  if (!unit.sfi.empty()) {
    command.push_back(std::string("--add-section=") + VBPF_SECTION_VARIANT_SFI + "=" + unit.sfi);
  } else if (!add_text(VBPF_SECTION_MISSING_SFI, unit.no_sfi)) {
    error("cannot write to the temporary folder: is the disk full?");
    return 1;
  }
  if (!add_text(VBPF_SECTION_MISSING_KERNEL, "it comes with the kernel engine, which this version has not")) {
    error("cannot write to the temporary folder: is the disk full?");
    return 1;
  }
  command.insert(command.end(), {base, output});
  return job.run_tool(command);
}

}  // namespace vbpf::driver
