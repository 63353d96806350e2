// SPDX-License-Identifier: Apache-2.0
// open = read, verify. instantiate = link, map, confine, construct.
#include "vbpf/extension.h"

#include <filesystem>

#include "object_file.h"
#include "signals.h"
#include "state.h"
#include "thread.h"
#include "vbpf/abi.h"
#include "vbpf/source_line.h"

namespace vbpf {
namespace {

constexpr size_t most_lines = 256;

struct BlobSymbol {
  const char* name;
  const std::byte* at;
};

}  // namespace
}  // namespace vbpf

extern "C" {
#define DECLARE(name) extern const std::byte vbpf_blob_indirect_##name[];
VBPF_THUNK_REGISTERS(DECLARE)
#undef DECLARE
#define VBPF_IMPORT(number, name, result, parameters) extern const std::byte vbpf_blob_import_##name[];
#include "vbpf/imports.def"
#undef VBPF_IMPORT
}

namespace vbpf {
namespace {

const BlobSymbol branches[] = {
#define THUNK(name) {"__x86_indirect_thunk_" #name, vbpf_blob_indirect_##name},
    VBPF_THUNK_REGISTERS(THUNK)
#undef THUNK
#define VBPF_IMPORT(number, name, result, parameters) {#name, vbpf_blob_import_##name},
#include "vbpf/imports.def"
#undef VBPF_IMPORT
};

const std::byte* return_thunk(uint32_t concurrency) {
  return concurrency == VBPF_CONCURRENCY_SHARED ? vbpf_blob_return_popped : vbpf_blob_return_in_place;
}

// Everything the loader supplies to a region at `base`.
std::vector<verifier::External> externals(uint64_t base, uint32_t concurrency, uint64_t heap_size) {
  using Kind = verifier::External::Kind;
  std::vector<verifier::External> all;
  all.push_back({"__x86_return_thunk", in_region(base, return_thunk(concurrency)), Kind::return_thunk});
  for (const BlobSymbol& symbol : branches) all.push_back({symbol.name, in_region(base, symbol.at), Kind::branch});
  all.push_back({VBPF_SYMBOL_HEAP_START, base + VBPF_OFF_HEAP, Kind::data});
  all.push_back({VBPF_SYMBOL_HEAP_END, base + VBPF_OFF_HEAP + heap_size, Kind::data});
  return all;
}

Result<uint64_t> chosen_size(std::optional<uint64_t> asked, uint64_t declared, uint64_t least, uint64_t most,
                             const char* what) {
  const uint64_t size = asked.value_or(declared);
  if (size < least || size > most) {
    return Error{ErrorKind::bad_input, std::string(what) + " of " + std::to_string(size) + " bytes: must be from " +
                                           std::to_string(least) + " to " + std::to_string(most)};
  }
  return (size + 4095) & ~uint64_t{4095};
}

}  // namespace

std::string_view to_string(Confinement confinement) {
  switch (confinement) {
    case Confinement::pku:
      return "pku";
    case Confinement::sfi:
      return "sfi";
    case Confinement::unconfined:
      return "unconfined";
  }
  return "unknown";
}

Result<std::string> check_confinement(std::optional<Confinement> confinement) {
  VBPF_TRY(Choice choice, choose_confinement(confinement));
  return std::move(choice.reason);
}

// A region, and the image verified and linked for it.
Result<std::unique_ptr<Prepared>> Extension::State::prepare() const {
  VBPF_TRY(Region region, Region::reserve());
  verifier::Options how;
  how.variant = variant();
  how.region_base = region.base();
  how.externals = externals(region.base(), concurrency, heap_size);
  verifier::Result result = verifier::verify(object, how);
  if (!result.image) return refusal(name, result.diagnostics);
  return std::make_unique<Prepared>(Prepared{std::move(region), std::move(*result.image)});
}

Result<Extension> Extension::open(const std::string& path, LoadOptions options) {
  VBPF_TRY(std::vector<std::byte> bytes, read_object(path));
  return from_memory(bytes, std::filesystem::path(path).stem().string(), std::move(options));
}

Result<Extension> Extension::from_memory(std::span<const std::byte> object, std::string name, LoadOptions options) {
  auto state = std::make_shared<State>();
  VBPF_TRY(state->choice, choose_confinement(options.confine));
  state->name = std::move(name);
  state->object.assign(object.begin(), object.end());
  state->heap_size = VBPF_HEAP_SIZE_DEFAULT;
  VBPF_TRY(std::unique_ptr<Prepared> prepared, state->prepare());
  const verifier::Manifest manifest = prepared->image.manifest;
  VBPF_TRY(state->stack_size,
           chosen_size(options.stack_size, manifest.stack_size, VBPF_STACK_SIZE_MIN, VBPF_STACK_SIZE_MAX, "a stack"));
  VBPF_TRY(state->heap_size, chosen_size(options.heap_size, manifest.heap_size, 0, VBPF_HEAP_SIZE_MAX, "a heap"));
  state->concurrency = manifest.concurrency;
  // What it was linked with was a guess.
  if (manifest.concurrency == VBPF_CONCURRENCY_SHARED || state->heap_size != VBPF_HEAP_SIZE_DEFAULT) {
    VBPF_TRY(prepared, state->prepare());
  }
  for (const verifier::Entry& entry : prepared->image.entries) state->entries.push_back({entry.hook, entry.name});
  state->symbols = std::move(prepared->image.symbols);
  for (verifier::Symbol& symbol : state->symbols) symbol.address -= prepared->region.base();
  VBPF_TRY(state->maps, BpfMaps::make(prepared->image));
  state->prepared = std::move(prepared);
  state->options = std::move(options);
  Extension extension;
  extension.state_ = std::move(state);
  return extension;
}

const std::string& Extension::name() const { return state_->name; }
Confinement Extension::confinement() const { return state_->choice.confinement; }
const std::string& Extension::confinement_reason() const { return state_->choice.reason; }
uint32_t Extension::concurrency() const { return state_->concurrency; }
const std::vector<EntryInfo>& Extension::entries() const { return state_->entries; }
uint64_t Extension::stack_size() const { return state_->stack_size; }
uint64_t Extension::heap_size() const { return state_->heap_size; }
std::vector<MapInfo> Extension::maps() const {
  std::vector<MapInfo> all;
  for (const BpfMaps::Made& made : state_->maps.all()) all.push_back({made.map.name, made.id});
  return all;
}
std::span<const std::byte> Extension::object() const { return state_->object; }
const std::function<void(std::string_view)>& Extension::log() const { return state_->options.log; }
std::chrono::nanoseconds Extension::budget() const { return state_->options.budget; }

Result<std::unique_ptr<Instance>> Extension::instantiate() const {
  std::unique_ptr<Prepared> prepared;
  {
    const std::scoped_lock lock(state_->mutex);
    prepared = std::move(state_->prepared);
  }
  if (prepared == nullptr) {
    VBPF_TRY(prepared, state_->prepare());
  }
  VBPF_CHECK(install_signals());
  // Here, where it can say why not; other threads are attached at their first call.
  VBPF_CHECK(attach_thread(confinement() == Confinement::pku));
  auto state = std::make_unique<Instance::State>(*this, state_, std::move(prepared->region));
  if (confinement() == Confinement::pku) {
    VBPF_TRY(state->key, ProtectionKey::allocate());
  }
  VBPF_CHECK(state->map(prepared->image));
  const std::vector<uint64_t> constructors = std::move(prepared->image.constructors);
  prepared.reset();  // the image is mapped: its copy need not stay while constructors run
  VBPF_CHECK(state->run_constructors(constructors));
  return std::unique_ptr<Instance>(new Instance(std::move(state)));
}

std::string Extension::State::line_of(const std::string& section, uint64_t section_offset) const {
  const std::scoped_lock lock(mutex);
  const auto key = std::make_pair(section, section_offset);
  if (const auto known = lines_.find(key); known != lines_.end()) return known->second;
  if (lines_.size() >= most_lines || lookup_time_left_.count() <= 0) return "";
  const auto begin = std::chrono::steady_clock::now();
  std::string line = source_line(object, variant(), section, section_offset);
  lookup_time_left_ -= std::chrono::steady_clock::now() - begin;
  return lines_[key] = std::move(line);
}

}  // namespace vbpf
