// SPDX-License-Identifier: Apache-2.0
// Extensions in the kernel: verified here, run there.
//
//   VBPF_TRY(kernel::Resident resident, kernel::Resident::load("ext.o", {.name = "ext"}));
//   resident.keep();    // outlives this process
#pragma once

#include <linux/vbpf.h>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "machine.h"
#include "vbpf/extension.h"
#include "vbpf/verifier.h"

namespace vbpf::kernel {

// Whether the object at `path` is one for the kernel, as load() would find it; else why not.
Result<void> check_object(const std::string& path);

// What an object's kernel variant calls things; nothing if it has none.
struct Names {
  std::vector<EntryInfo> entries;         // in the order of their numbers
  std::vector<verifier::Symbol> symbols;  // as describe() wants them
};
Names names_of(std::span<const std::byte> object);

struct ResidentOptions {
  std::string name;
  std::chrono::nanoseconds budget{10'000'000}, init_budget{1'000'000'000};
  std::optional<uint64_t> stack_size, heap_size;  // bytes; not set: as the manifest says
  bool precise = false;                           // end overruns by a timer, not at the next tick
  std::optional<uint32_t> copy_size;              // VBPF_COPY_*, or bytes of a packet; not set: as the manifest says
  uint32_t on_fault = VBPF_ON_FAULT_PASS;         // enum vbpf_on_fault
  uint32_t max_restarts = 10;                     // within a minute
  std::string source;                             // a file that it can read, or empty
  uint32_t fill_size = 4096;                      // the largest page that it fills at hook uffd, bytes
};

// Page faults of whom an entry answers.
struct Userfaults {
  int descriptor = -1;  // a userfaultfd
  pid_t pid = 0;        // whose memory it is about, for show
  uint32_t entry = 0;
  uint32_t prefetch = 0;  // pages besides a fault's own, at most
};

// What a packet's context says of where it comes from.
struct TestContext {
  uint32_t ingress_ifindex = 0, rx_queue_index = 0;
};

// What came of a test run on one packet.
struct TestRun {
  uint64_t retval = 0;
  std::optional<Fault> fault;
  std::optional<std::vector<uint8_t>> out;  // nothing after a fault, or when the entry left pointers outside its buffer
  std::chrono::nanoseconds time{};
  uint64_t runs = 0;
};

// Owns a descriptor: unless it is kept, the extension goes with it.
class Resident {
 public:
  // bad_input, refused: as Extension::open(); a fault in a constructor is refused. machine: see Machine.
  static Result<Resident> load(const std::string& path, const ResidentOptions& options);
  // `name`: of the object, for errors.
  static Result<Resident> load(std::vector<std::byte> object, const std::string& name, const ResidentOptions& options);

  uint32_t id() const { return id_; }
  const std::vector<std::byte>& object() const { return object_; }
  const std::vector<EntryInfo>& entries() const { return entries_; }  // entry numbers count these
  int descriptor() const { return extension_.get(); }
  // In words.
  Fault describe(const vbpf_fault& raw) const;
  Result<vbpf_info> info() const;
  Result<void> keep() const;
  // Until it is unloaded, or nobody has the userfaultfd open. refused: it has another extension already.
  Result<void> answer(const Userfaults& faults) const;
  Result<TestRun> run(uint32_t entry, std::span<const uint8_t> packet, uint64_t repeat,
                      const TestContext& context = {}) const;

 private:
  Resident() = default;
  Result<void> create(const Machine& machine, const ResidentOptions& options, const verifier::Manifest& manifest);
  Result<void> load_instance(uint32_t instance, const std::string& name);
  Result<void> give_source(const std::string& path) const;
  Result<void> give_maps(const verifier::Image& image, const std::string& name) const;
  Result<void> start(const std::string& name) const;

  File extension_;
  uint32_t id_ = 0, instances_ = 0;
  uint64_t heap_size_ = 0;
  std::vector<std::byte> object_;
  std::vector<EntryInfo> entries_;
  std::vector<verifier::Symbol> symbols_;  // addresses are offsets
};

}  // namespace vbpf::kernel
