// SPDX-License-Identifier: Apache-2.0
// An instance's memory: what is mapped where, with which protection.
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "state.h"
#include "vbpf/abi.h"
#include "watchdog.h"
#include "x86_64/offsets.h"

namespace vbpf {
namespace {

constexpr uint64_t page = 4096;
// Between stacks, and below the first: more than one step of %rsp under SFI, so that an overflow ends in it.
constexpr uint64_t stack_guard = uint64_t{2} * VBPF_SFI_MAX_STACK_STEP;
constexpr uint64_t stack_room = VBPF_OFF_HEAP - VBPF_OFF_STACKS;

uint64_t address_of(void (*function)()) { return reinterpret_cast<uint64_t>(function); }

uint64_t pages(uint64_t size) { return (size + page - 1) & ~(page - 1); }

}  // namespace

Result<void> Instance::State::map(const verifier::Image& image) {
  const uint64_t base = region.base();
  region.set_key(key.value());
  for (const verifier::Segment& segment : image.segments) {
    using Kind = verifier::Segment::Kind;
    const bool text = segment.kind == Kind::text, data = segment.kind == Kind::data;
    VBPF_CHECK(region.map_filled(segment.address - base, segment.size, segment.bytes,
                                 PROT_READ | (text   ? PROT_EXEC
                                              : data ? PROT_WRITE
                                                     : 0),
                                 text   ? Range::Kind::text
                                 : data ? Range::Kind::data
                                        : Range::Kind::read_only));
    if (!text) continue;
    text_base = segment.address;
    text_size = image.target_map.size();
  }
  // The thunks look up any address of the image's part: what is not text has zeros, and is no target.
  const uint64_t map_size = pages(text_size);
  VBPF_CHECK(region.map_filled(VBPF_OFF_TARGET_MAP, map_size, image.target_map, PROT_READ, Range::Kind::target_map));
  if (map_size < VBPF_IMAGE_SIZE_MAX)
    VBPF_CHECK(region.map_filled(VBPF_OFF_TARGET_MAP + map_size, VBPF_IMAGE_SIZE_MAX - map_size, {}, PROT_READ,
                                 Range::Kind::target_map));
  const auto blob_size = static_cast<size_t>(vbpf_blob_end - vbpf_blob_start);
  VBPF_CHECK(region.map_filled(VBPF_OFF_THUNKS, pages(blob_size), {vbpf_blob_start, blob_size}, PROT_READ | PROT_EXEC,
                               Range::Kind::thunks));
  VBPF_CHECK(map_stacks());
  VBPF_CHECK(map_info());
  if (shared().heap_size != 0) VBPF_CHECK(region.map(VBPF_OFF_HEAP, shared().heap_size, Range::Kind::heap));
  entries = image.entries;
  if (!entries.empty()) last_entry.store(entries.front().address, std::memory_order_relaxed);
  window_end = VBPF_OFF_WINDOW;
  concurrency = shared().concurrency;
  domain.budget = static_cast<uint64_t>(shared().options.budget.count());
  domain.region_base = base;
  domain.instance = this;
  if (cpu_has_avx()) domain.flags |= CALL_FLAG_AVX;
  if (image.uses_avx && cpu_has_avx()) domain.flags |= CALL_FLAG_DIRTY_UPPER;
  if (image.uses_vectors) domain.flags |= CALL_FLAG_VECTORS;
  if (image.uses_float) domain.flags |= CALL_FLAG_FLOAT;
  domain.return_thunk = in_region(
      base, shared().concurrency == VBPF_CONCURRENCY_SHARED ? vbpf_blob_return_popped : vbpf_blob_return_in_place);
  call_trampoline = in_region(base, vbpf_blob_call);
  batch_trampoline = in_region(base, vbpf_blob_batch);
  return {};
}

Result<void> Instance::State::map_info() {
  const uint64_t base = region.base();
  RegionInfo info{};
  info.region_base = base;
  info.exit_gate = address_of(vbpf_gate_exit);
  info.import_gate = address_of(vbpf_gate_import);
  if (shared().choice.confinement == Confinement::pku) {
    constexpr uint32_t all_but_key_0 = 0x55555554;
    info.exit_gate = address_of(vbpf_gate_exit_pku);
    info.import_gate = address_of(vbpf_gate_import_pku);
    info.exit_pkru = all_but_key_0 & ~key.mask();
    domain.guest_pkru = ~key.mask();
    domain.flags |= CALL_FLAG_PKU;
  }
  return region.map_filled(VBPF_OFF_INFO, page, std::as_bytes(std::span(&info, 1)), PROT_READ, Range::Kind::info);
}

// One stack, or with `shared` one for each thread that may be inside.
Result<void> Instance::State::map_stacks() {
  const uint64_t size = shared().stack_size;
  stack_stride = size + stack_guard;
  first_stack_top = region.base() + VBPF_OFF_STACKS + stack_stride;
  const bool many = shared().concurrency == VBPF_CONCURRENCY_SHARED;
  const uint64_t count = many ? std::min<uint64_t>(max_threads, stack_room / stack_stride) : 1;
  for (uint64_t i = 0; i < count; ++i)
    VBPF_CHECK(region.map(first_stack_top - region.base() + i * stack_stride - size, size, Range::Kind::stack));
  free_stacks = count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
  return {};
}

Instance::Instance(std::unique_ptr<State> state) : state_(std::move(state)) {}

Instance::~Instance() { Watchdog::instance().synchronize(); }

Result<std::span<std::byte>> Instance::window(size_t size, int memory) {
  const uint64_t whole = pages(size);
  if (size == 0 || whole > VBPF_OFF_WINDOW + VBPF_WINDOW_SIZE_MAX - state_->window_end || whole < size) {
    return Error{ErrorKind::bad_input, "a window of " + std::to_string(size) + " bytes: an instance has room for " +
                                           std::to_string(VBPF_OFF_WINDOW + VBPF_WINDOW_SIZE_MAX - state_->window_end) +
                                           " more"};
  }
  struct stat status{};
  if (memory >= 0 && (::fstat(memory, &status) != 0 || static_cast<uint64_t>(status.st_size) < size))
    return Error{ErrorKind::bad_input, "the file for a window is smaller than the window"};
  VBPF_CHECK(state_->region.map(state_->window_end, whole, Range::Kind::window, memory));
  std::byte* const at = memory_at(state_->region.base() + state_->window_end);
  state_->window_end += whole;
  return std::span(at, size);
}

Result<std::span<const std::byte>> Instance::view(int file) {
  struct stat status{};
  if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0)
    return Error{ErrorKind::bad_input, "what an extension is to read is no file, or an empty one"};
  const auto size = static_cast<uint64_t>(status.st_size), whole = pages(size);
  const uint64_t left = VBPF_OFF_WINDOW + VBPF_WINDOW_SIZE_MAX - state_->window_end;
  if (size > left || whole > left) {
    return Error{ErrorKind::bad_input, "a file of " + std::to_string(size) + " bytes: an instance has room for " +
                                           std::to_string(left) + " more"};
  }
  VBPF_CHECK(state_->region.map_view(state_->window_end, whole, file));
  std::byte* const at = memory_at(state_->region.base() + state_->window_end);
  state_->window_end += whole;
  return std::span<const std::byte>(at, size);
}

Result<uint64_t> Instance::entry(std::string_view name, std::string_view hook) const {
  for (const verifier::Entry& entry : state_->entries) {
    if (entry.name == name && (hook.empty() || entry.hook == hook)) return entry.address;
  }
  std::string known;
  for (const verifier::Entry& entry : state_->entries) {
    if (!hook.empty() && entry.hook != hook) continue;
    known += (known.empty() ? "" : ", ") + entry.name;
  }
  const std::string what = hook.empty() ? "entry" : "entry for hook " + std::string(hook);
  return Error{ErrorKind::bad_input, state_->shared().name + " has no " + what + " named " + std::string(name) +
                                         "; it has " + (known.empty() ? "none" : known)};
}

bool Instance::owns(uint64_t address, uint64_t size) const { return state_->region.owns(address, size); }

const Extension& Instance::extension() const { return state_->extension; }

}  // namespace vbpf
