// SPDX-License-Identifier: Apache-2.0
#include "arguments.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace vbpf::driver {
namespace {

using Words = std::vector<std::string>;
using Maybe = std::optional<UsageError>;

// Options of clang whose value is the next word.
constexpr std::array takes_value{
    "-I",      "-D",         "-U",       "-include",       "-imacros",           "-isystem",
    "-iquote", "-idirafter", "-iprefix", "-iwithprefix",   "-iwithprefixbefore", "-Xclang",
    "-mllvm",  "-MT",        "-MQ",      "-Xpreprocessor", "-isysroot",          "-working-directory",
    "--param"};

struct Refusal {
  std::string_view option;
  bool prefix;
  std::string_view why;
};

constexpr std::array refusals{
    Refusal{"-flto", true, "an extension is made of machine code: compile without -flto"},
    Refusal{"-fsanitize=", true,
            "sanitizers need a runtime outside the extension: compile the code as an ordinary program to test it with "
            "them"},
    Refusal{"-fexceptions", false,
            "extensions have no exceptions: return an error value, e.g. std::optional or a status code"},
    Refusal{"-frtti", false, "extensions have no run-time type information: use virtual functions or std::variant"},
    Refusal{"-shared", false, "an extension is a relocatable object, not a shared library: leave -shared out"},
    Refusal{"-pthread", false, "an extension has no threads: the engine runs one instance per CPU or queue"},
    Refusal{"-fopenmp", true, "an extension has no threads: the engine runs one instance per CPU or queue"},
    Refusal{"-m32", false, "extensions are 64-bit: leave -m32 out"},
    Refusal{"-mx32", false, "extensions are 64-bit: leave -mx32 out"},
    Refusal{"-mcmodel=", true, "the code model is fixed: leave -mcmodel out"},
    Refusal{"-Wl,", true, "no linker options: an extension is laid out by its loader"},
    Refusal{"-Xlinker", false, "no linker options: an extension is laid out by its loader"},
    Refusal{"-fuse-ld=", true, "no linker options: an extension is laid out by its loader"},
    Refusal{"-emit-llvm", false, "vbpf-clang++ writes machine code: use clang-19 for LLVM bitcode"},
    Refusal{"-fstack-protector", true, "the stack is bounded by guard pages: leave -fstack-protector out"},
};

// What an ordinary program would be linked with, and an extension has in its own runtime.
bool is_provided_library(std::string_view word) {
  return word == "-lc" || word == "-lm" || word == "-lc++" || word == "-lc++abi" || word == "-lstdc++";
}

struct Extension {
  std::string_view suffix;
  Kind kind;
};
constexpr std::array extensions{
    Extension{".c", Kind::c},         Extension{".i", Kind::c},        Extension{".cpp", Kind::cxx},
    Extension{".cc", Kind::cxx},      Extension{".cxx", Kind::cxx},    Extension{".cp", Kind::cxx},
    Extension{".c++", Kind::cxx},     Extension{".C", Kind::cxx},      Extension{".CPP", Kind::cxx},
    Extension{".ii", Kind::cxx},      Extension{".s", Kind::assembly}, Extension{".S", Kind::assembly},
    Extension{".sx", Kind::assembly}, Extension{".o", Kind::object},
};

std::optional<Kind> kind_of_language(std::string_view language) {
  if (language == "c" || language == "cpp-output") return Kind::c;
  if (language == "c++" || language == "c++-cpp-output") return Kind::cxx;
  if (language == "assembler" || language == "assembler-with-cpp") return Kind::assembly;
  return std::nullopt;
}

class Parser {
 public:
  Parser(const Words& words, Arguments& out) : words_(words), out_(out) {}

  Maybe run() {
    while (at_ < words_.size()) {
      if (Maybe error = word(words_[at_++])) return error;
    }
    return check();
  }

 private:
  static Maybe fail(std::string message) { return UsageError{std::move(message)}; }

  // The value joined to the option, or the next word.
  Maybe value(std::string_view option, std::string_view word, std::string& result) {
    if (word.size() > option.size()) {
      result = word.substr(option.size());
    } else if (at_ < words_.size()) {
      result = words_[at_++];
    } else {
      return fail("option '" + std::string(option) + "' needs a value");
    }
    return std::nullopt;
  }

  Maybe word(const std::string& w) {
    if (w.empty() || w[0] != '-' || w == "-") return input(w);
    for (const Refusal& refusal : refusals) {
      if (refusal.prefix ? w.starts_with(refusal.option) : w == refusal.option)
        return fail("option '" + w + "' is not available: " + std::string(refusal.why));
    }
    if (own(w)) return std::nullopt;
    if (w.starts_with("--variant=")) return choose_variants(w.substr(10));
    if (w.starts_with("--emit-variant=")) return emit_variant(w.substr(15));
    if (w.starts_with("-o") && !w.starts_with("-objc")) return value("-o", w, out_.output);
    if (w.starts_with("-x")) return language(w);
    if (w.starts_with("-MF")) {
      out_.dependencies = true;
      return value("-MF", w, out_.dependency_file);
    }
    if (w.starts_with("-l") || w.starts_with("-L")) return library(w);
    if (w == "-MT" || w == "-MQ" || w.starts_with("-MT") || w.starts_with("-MQ")) out_.dependency_target = true;
    if (w.starts_with("-std=")) out_.has_standard = true;
    out_.clang.push_back(w);
    if (std::find(takes_value.begin(), takes_value.end(), w) == takes_value.end()) return std::nullopt;
    if (at_ == words_.size()) return fail("option '" + w + "' needs a value");
    out_.clang.push_back(words_[at_++]);
    return std::nullopt;
  }

  // Options that are one word and mean something to the driver.
  bool own(const std::string& w) {
    if (w == "-c") return out_.stage = std::max(out_.stage, Stage::object), true;
    if (w == "-S") return out_.stage = std::max(out_.stage, Stage::assembly), true;
    if (w == "-v" || w == "--verbose") return out_.verbose = true;
    if (w == "-###") return out_.dry_run = out_.verbose = true;
    if (w == "--help" || w == "-help" || w == "-h") return out_.help = true;
    if (w == "--version") return out_.version = true;
    if (w == "-nostdlib") return out_.no_runtime = true;
    if (w == "-r" || w == "-nostartfiles" || w == "-pipe") return true;  // so it is done anyway
    if (w == "-E" || w == "-M" || w == "-MM" || w == "-fsyntax-only") {
      out_.stage = Stage::clang_only;
      out_.clang.push_back(w);
      return true;
    }
    if (w == "-MD" || w == "-MMD") {
      out_.dependencies = true;
      out_.clang.push_back(w);
      return true;
    }
    if (w.starts_with("-print-") || w.starts_with("--print-") || w.starts_with("-dump")) {
      out_.query = true;
      out_.clang.push_back(w);
      return true;
    }
    return false;
  }

  Maybe library(const std::string& w) {
    if (w.size() == 2 && at_ < words_.size()) ++at_;
    if (w.starts_with("-L") || is_provided_library(w)) return std::nullopt;
    return fail("option '" + w +
                "' is not available: an extension links no libraries; add the library's sources to the extension");
  }

  Maybe language(const std::string& w) {
    std::string name;
    if (Maybe error = value("-x", w, name)) return error;
    language_ = name == "none" ? "" : name;
    if (language_.empty() || kind_of_language(language_)) return std::nullopt;
    return fail("language '" + name + "' is not available: extensions are C++, C or assembly");
  }

  Maybe choose_variants(std::string_view list) {
    out_.variants_named = true;
    out_.wants = {};
    while (true) {
      std::string_view name = list.substr(0, list.find(','));
      auto found = std::find_if(variants.begin(), variants.end(), [&](Variant v) { return names_of(v).name == name; });
      if (found == variants.end()) return fail("unknown variant '" + std::string(name) + "': use user, sfi or kernel");
      out_.wants[*found] = true;
      if (name.size() == list.size()) return std::nullopt;
      list.remove_prefix(name.size() + 1);
    }
  }

  Maybe emit_variant(const std::string& name) {
    if (Maybe error = choose_variants(name)) return error;
    if (wanted_count() != 1) return fail("--emit-variant takes one variant: user, sfi or kernel");
    for (Variant variant : variants) {
      if (out_.wants[variant]) out_.emit_variant = variant;
    }
    return std::nullopt;
  }

  size_t wanted_count() const {
    return static_cast<size_t>(std::count(out_.wants.values.begin(), out_.wants.values.end(), true));
  }

  Maybe input(const std::string& path) {
    if (!language_.empty()) {
      out_.inputs.push_back({path, *kind_of_language(language_), language_});
      return std::nullopt;
    }
    if (path == "-") return fail("standard input needs a language: put -x c++ or -x c before it");
    for (const Extension& extension : extensions) {
      if (!path.ends_with(extension.suffix)) continue;
      out_.inputs.push_back({path, extension.kind, ""});
      return std::nullopt;
    }
    if (path.ends_with(".a") || path.ends_with(".so"))
      return fail("'" + path + "' is a library: an extension links no libraries; give the sources or objects");
    return fail("'" + path +
                "': the kind of this file is unknown; name it .cpp, .c, .s, .S or .o, or put -x c++ before it");
  }

  Maybe check() const {
    if (out_.help || out_.version || out_.query) return std::nullopt;
    if (out_.inputs.empty()) return fail("no input files");
    bool several_outputs = out_.stage == Stage::object || out_.stage == Stage::assembly;
    if (several_outputs && !out_.output.empty() && out_.inputs.size() > 1)
      return fail("-o cannot name the output of several inputs; leave -o out, or leave -c or -S out to link them");
    if (out_.stage == Stage::assembly && out_.variants_named && wanted_count() != 1)
      return fail("-S writes one variant: choose --variant=user, --variant=sfi or --variant=kernel");
    return std::nullopt;
  }

  const Words& words_;
  Arguments& out_;
  size_t at_ = 0;
  std::string language_;
};

}  // namespace

std::string wanted_names(const Arguments& arguments) {
  std::string names;
  for (Variant variant : variants) {
    if (!arguments.wants[variant]) continue;
    if (!names.empty()) names += ',';
    names += names_of(variant).name;
  }
  return names;
}

std::optional<UsageError> parse(const Words& words, Arguments& arguments) { return Parser(words, arguments).run(); }

}  // namespace vbpf::driver
