// SPDX-License-Identifier: Apache-2.0
// The main path: read, choose the variant, lay out, relocate, find what may be entered, check the code that will run.
#include "vbpf/verifier.h"

#include "unit.h"

namespace vbpf::verifier {

Result verify(std::span<const std::byte> file, const Options& options) {
  Reporter reporter(options.max_diagnostics);
  Unit unit{.options = options, .reporter = reporter};
  Object outer;
  bool accepted = select_variant(file, options, reporter, outer, unit.object) &&  //
                  read_manifest(unit, outer) &&                                   //
                  place_sections(unit) &&                                         //
                  relocate(unit) &&                                               //
                  find_maps(unit) &&                                              //
                  find_entries(unit) &&                                           //
                  check_code(unit);
  Result result;
  result.diagnostics = reporter.take();
  if (!accepted && result.diagnostics.empty()) {
    reporter.add("internal", {}, "refused without a reason", "report this as a bug");
    result.diagnostics = reporter.take();
  }
  if (accepted && result.diagnostics.empty()) {
    collect_symbols(unit);
    result.image = std::move(unit.image);
  }
  return result;
}

}  // namespace vbpf::verifier
