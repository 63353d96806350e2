// SPDX-License-Identifier: Apache-2.0
// What Extension and Instance are made of.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bpf_maps.h"
#include "gate.h"
#include "machine.h"
#include "region.h"
#include "vbpf/extension.h"
#include "vbpf/verifier.h"

namespace vbpf {

struct ThreadState;

// An image linked for a region that is its own, not mapped yet.
struct Prepared {
  Region region;
  verifier::Image image;
};

// Addresses are offsets from the region's base: the same in every instance.
struct [[gnu::visibility("hidden")]] Extension::State {
  std::string name;
  std::vector<std::byte> object;
  LoadOptions options;
  Choice choice;
  std::vector<EntryInfo> entries;
  uint32_t concurrency = 0;
  uint64_t stack_size = 0, heap_size = 0;
  std::vector<verifier::Symbol> symbols;  // sorted
  BpfMaps maps;                           // all instances see them

  // open() verifies, so the first instance need not.
  mutable std::mutex mutex;
  mutable std::unique_ptr<Prepared> prepared;

  verifier::Variant variant() const {
    return choice.confinement == Confinement::sfi ? verifier::Variant::sfi : verifier::Variant::user;
  }
  Result<std::unique_ptr<Prepared>> prepare() const;
  // Each place is looked up once, and not more than a few hundred places: a lookup starts a process. It holds up the
  // thread whose call ended, so an extension with debug information that takes long to read has a second in its life.
  std::string line_of(const std::string& section, uint64_t section_offset) const;

 private:
  mutable std::map<std::pair<std::string, uint64_t>, std::string> lines_;
  mutable std::chrono::nanoseconds lookup_time_left_ = std::chrono::seconds(1);
};

struct [[gnu::visibility("hidden")]] Instance::State {
  State(Extension ext, std::shared_ptr<const Extension::State> ext_state, Region in)
      : extension(std::move(ext)), of(std::move(ext_state)), region(std::move(in)) {}

  Extension extension;
  std::shared_ptr<const Extension::State> of;  // the extension's
  ProtectionKey key;                           // before the region: freed after its memory is gone
  Region region;
  std::vector<verifier::Entry> entries;
  uint64_t text_base = 0, text_size = 0;
  uint64_t stack_stride = 0;     // from one stack's top to the next one's
  uint64_t first_stack_top = 0;  // the control room is below it
  uint32_t concurrency = 0;
  uint64_t budget = 0;      // ns
  uint64_t window_end = 0;  // offset of the next window
  Domain domain{};
  Domain constructing{};  // the same, with what is left of the init budget
  uint64_t call_trampoline = 0, batch_trampoline = 0;

  std::mutex serial;
  std::atomic<uint64_t> free_stacks{0};  // shared: one bit each

  const Extension::State& shared() const { return *of; }

  Result<void> map(const verifier::Image& image);
  Result<void> map_info();
  Result<void> map_stacks();
  Result<void> run_constructors(const std::vector<uint64_t>& constructors);

  // Runs a call whose domain, trampoline, entry and arguments are set, with whatever lock and stack the declared
  // concurrency asks for. False: see `fault`.
  bool run(Call& call, uint64_t invocations, std::optional<Fault>& fault);

  // The verifier's guarantees are for entries and what they reach, so nothing else is called.
  bool is_entry(uint64_t address) const {
    if (address == last_entry.load(std::memory_order_relaxed)) [[likely]]
      return true;
    return find_entry(address);
  }

 private:
  bool find_entry(uint64_t address) const;
  bool run_serial(Call& call, uint64_t invocations, std::optional<Fault>& fault);
  bool run_shared(Call& call, uint64_t invocations, std::optional<Fault>& fault);
  void enter(Call& call, ThreadState& thread, uint64_t stack_top, uint64_t invocations);

  // The last one found. At first the first one, or without any the unmapped start of the region: always safe to enter.
  mutable std::atomic<uint64_t> last_entry{region.base()};
};

// A call that did not happen, because the caller did something wrong.
Fault misuse(std::string message);

// What the raw report means: what lies at the address, in which function and line it was.
Fault describe(const Instance::State& state, const RawFault& raw, std::string_view message);

}  // namespace vbpf
