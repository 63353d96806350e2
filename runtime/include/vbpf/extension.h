// SPDX-License-Identifier: Apache-2.0
// Extensions in this process: read, verify, link, confine, call.
//
//   vbpf::LoadOptions options;
//   auto ext = vbpf::Extension::open("ext.o", options);
//   auto instance = ext->instantiate();                       // own globals, heap, stack; constructors have run
//   auto outcome = (*instance)->call("classify", {address});  // a value, or a Fault
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vbpf/abi.h"
#include "vbpf/export.h"
#include "vbpf/result.h"
#include "vbpf/xdp_context.h"

namespace vbpf {

enum class Confinement { pku, sfi, unconfined };

// "pku", "sfi", "unconfined"
VBPF_API std::string_view to_string(Confinement confinement);

// Whether this machine has it (not set: has any), and why that one; kind machine when not, with what to do.
VBPF_API Result<std::string> check_confinement(std::optional<Confinement> confinement);

struct LoadOptions {
  std::optional<Confinement> confine;                   // not set: the strongest this machine has
  std::chrono::nanoseconds budget{10'000'000};          // one invocation; CPU time
  std::chrono::nanoseconds init_budget{1'000'000'000};  // all global constructors together
  std::optional<uint64_t> stack_size, heap_size;        // bytes; not set: as the manifest says
  // Lines the extension logs. Called on the extension's thread, outside confinement; must not block for long.
  std::function<void(std::string_view line)> log;
};

enum class FaultKind {
  bad_address,     // access outside what the extension may touch
  stack_overflow,  // the guard page of its own stack
  divide_error,
  undefined_instruction,
  bad_return,  // return to something that is no return site
  bad_call,    // indirect call to something that is no function
  abort,       // C++ abort, failed assertion
  heap_exhausted,
  pure_virtual,
  budget,      // used more CPU time than its budget
  bad_import,  // an import was given memory that is not the extension's
};
VBPF_API std::string_view to_string(FaultKind kind);  // "bad-address", ...

struct Registers {  // at the fault
  uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15, rip, rflags;
};

// What ended an invocation. The instance can be called again; its memory is as the invocation left it.
struct Fault {
  FaultKind kind{};
  uint64_t address =
      0;  // the data address (bad_address, stack_overflow) or the target (bad_return, bad_call), else rip
  std::string
      address_is;       // what lies there: "null page", "own text (read-only)", "outside the extension's memory", ...
  std::string message;  // what vbpf_abort() was given
  std::string symbol;   // where: nearest symbol to rip, empty if none
  uint64_t symbol_offset = 0;
  std::string line;  // "file.cpp:12" when the object has debug information
  Registers registers{};
};

// A value or a fault.
struct Outcome {
  uint64_t value = 0;
  std::optional<Fault> fault;
};

struct EntryInfo {
  std::string hook, name;
};

// A BPF map of the extension.
struct MapInfo {
  std::string name;
  uint32_t id = 0;  // for bpftool map dump id
};

// One packet of a batch, in the instance's window. Written by the host before, by the extension during the call.
struct XdpSlot {
  vbpf_xdp ctx;
  uint32_t verdict;  // after the call: what the entry returned
  uint32_t reserved[5];
};
static_assert(sizeof(XdpSlot) == 64);

class Instance;

// A verified object with its options. Immutable, may be used from several threads, copies share state.
class VBPF_API Extension {
 public:
  // bad_input: no such file or not an object; refused: the verifier's reasons, or the kernel does not make its maps (it
  // takes root); machine: the confinement asked for is not to be had.
  static Result<Extension> open(const std::string& path, LoadOptions options);
  static Result<Extension> from_memory(std::span<const std::byte> object, std::string name, LoadOptions options);

  const std::string& name() const;
  Confinement confinement() const;
  const std::string& confinement_reason() const;  // one sentence: why this one
  uint32_t concurrency() const;                   // VBPF_CONCURRENCY_*
  const std::vector<EntryInfo>& entries() const;
  uint64_t stack_size() const;
  uint64_t heap_size() const;
  std::chrono::nanoseconds budget() const;
  std::vector<MapInfo> maps() const;
  std::span<const std::byte> object() const;                      // as it was loaded
  const std::function<void(std::string_view line)>& log() const;  // as in the options

  // Maps a region, links and verifies for its address, runs the constructors. A fault in a constructor is an error.
  Result<std::unique_ptr<Instance>> instantiate() const;

  struct State;

 private:
  friend class Instance;
  std::shared_ptr<const State> state_;
};

// An extension's memory: globals, heap, stack, window. Owned by the caller; destruction unmaps it (no call may be
// running). per_cpu instances are entered by one thread at a time (the caller sees to it), serial ones lock, shared
// ones may be entered concurrently by up to max_threads threads.
class VBPF_API Instance {
 public:
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  static constexpr unsigned max_threads = 64;

  // Memory both sides may touch, zeroed, page aligned, for the life of the instance. The host must treat what it reads
  // there as hostile. size in bytes, rounded up to pages. With `memory`, a memfd of at least that size, its pages are
  // mapped (shared) instead of fresh ones: they outlive the instance, so that packet buffers stay where they are when a
  // faulted instance is replaced. The descriptor is not kept.
  Result<std::span<std::byte>> window(size_t size, int memory = -1);

  // A file's bytes where the extension can read them, for the life of the instance. Pages that the file loses meanwhile
  // fault. The descriptor is not kept. bad_input: it is empty, no file, or larger than the room for windows.
  Result<std::span<const std::byte>> view(int file);

  // The address of an entry, for call(); bad_input if there is none. An empty hook means any.
  Result<uint64_t> entry(std::string_view name, std::string_view hook = {}) const;

  // One gate crossing. At most six arguments, integers or addresses in the instance. `entry` is what entry() gave.
  Outcome call(uint64_t entry, std::span<const uint64_t> arguments);
  Outcome call(uint64_t entry, std::initializer_list<uint64_t> arguments) {
    return call(entry, std::span<const uint64_t>(arguments.begin(), arguments.size()));
  }

  // Runs the entry once for each slot, in one gate crossing. Slots lie in window memory. Each packet is one invocation
  // with its own budget. Returns how many slots were done; fewer than slots.size() exactly when a fault ended the one
  // at that index (`fault` is set, the slot's verdict is XDP_ABORTED): call again with the rest.
  size_t call_xdp(uint64_t entry, std::span<XdpSlot> slots, std::optional<Fault>& fault);

  // Whether [address, address + size) is readable or writable memory of this instance.
  bool owns(uint64_t address, uint64_t size) const;

  const Extension& extension() const;

  struct State;

 private:
  friend class Extension;
  explicit Instance(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace vbpf
