// SPDX-License-Identifier: Apache-2.0
// The C API: handles around the C++ API's objects. Nothing is thrown into the program.
#include "vbpf/libvbpf.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <new>

#include "vbpf/extension.h"
#include "vbpf/pager.h"

struct vbpf_error {
  int kind = VBPF_ERROR_INTERNAL;
  std::string message;
};

struct vbpf_extension {
  vbpf::Extension extension;
};

struct vbpf_instance {
  std::unique_ptr<vbpf::Instance> instance;
};

struct vbpf_pager {
  std::unique_ptr<vbpf::Pager> pager;
};

struct vbpf_fault {
  vbpf::Fault fault;
};

namespace {

static_assert(sizeof(vbpf_xdp_slot) == sizeof(vbpf::XdpSlot));
static_assert(offsetof(vbpf_xdp_slot, verdict) == offsetof(vbpf::XdpSlot, verdict));
static_assert(sizeof(vbpf_registers) == sizeof(size_t) + sizeof(vbpf::Registers));
static_assert(VBPF_PAGER_THREADS == static_cast<int>(vbpf::PagerPlace::threads));
static_assert(VBPF_PAGER_FAULTING_THREAD == static_cast<int>(vbpf::PagerPlace::faulting_thread));
static_assert(VBPF_PAGER_KERNEL == static_cast<int>(vbpf::PagerPlace::kernel));
static_assert(VBPF_MAX_THREADS == vbpf::Instance::max_threads);

// What options had in the first version: a program's cannot be smaller.
constexpr size_t first_options_size = 64, first_pager_options_size = 56;
static_assert(sizeof(vbpf_options) >= first_options_size);
static_assert(sizeof(vbpf_pager_options) >= first_pager_options_size);

// Stands for an error for which there was no memory, and is never freed.
vbpf_error& no_memory() {
  static vbpf_error error{VBPF_ERROR_MACHINE, "out of memory"};
  return error;
}

// The same for a fault that cannot be described.
vbpf_fault& undescribed() {
  static vbpf_fault fault = [] {
    vbpf_fault made;
    made.fault.kind = vbpf::FaultKind::bad_call;
    made.fault.message = "out of memory";
    return made;
  }();
  return fault;
}

int number_of(vbpf::ErrorKind kind) {
  switch (kind) {
    case vbpf::ErrorKind::bad_input:
      return VBPF_ERROR_BAD_INPUT;
    case vbpf::ErrorKind::refused:
      return VBPF_ERROR_REFUSED;
    case vbpf::ErrorKind::machine:
      return VBPF_ERROR_MACHINE;
    case vbpf::ErrorKind::internal:
      break;
  }
  return VBPF_ERROR_INTERNAL;
}

int number_of(vbpf::Confinement confinement) {
  switch (confinement) {
    case vbpf::Confinement::pku:
      return VBPF_CONFINE_PKU;
    case vbpf::Confinement::sfi:
      return VBPF_CONFINE_SFI;
    case vbpf::Confinement::unconfined:
      break;
  }
  return VBPF_CONFINE_UNCONFINED;
}

struct FaultNumber {
  vbpf::FaultKind kind;
  int number;
};
constexpr FaultNumber fault_numbers[] = {
    {vbpf::FaultKind::bad_address, VBPF_FAULT_BAD_ADDRESS},
    {vbpf::FaultKind::stack_overflow, VBPF_FAULT_STACK_OVERFLOW},
    {vbpf::FaultKind::divide_error, VBPF_FAULT_DIVIDE_ERROR},
    {vbpf::FaultKind::undefined_instruction, VBPF_FAULT_UNDEFINED_INSTRUCTION},
    {vbpf::FaultKind::bad_return, VBPF_FAULT_BAD_RETURN},
    {vbpf::FaultKind::bad_call, VBPF_FAULT_BAD_CALL},
    {vbpf::FaultKind::abort, VBPF_FAULT_ABORT},
    {vbpf::FaultKind::heap_exhausted, VBPF_FAULT_HEAP_EXHAUSTED},
    {vbpf::FaultKind::pure_virtual, VBPF_FAULT_PURE_VIRTUAL},
    {vbpf::FaultKind::budget, VBPF_FAULT_BUDGET},
    {vbpf::FaultKind::bad_import, VBPF_FAULT_BAD_IMPORT},
};

void store(vbpf_error** target, int kind, std::string message) {
  if (target == nullptr) return;
  *target = new vbpf_error{kind, std::move(message)};
}

void store(vbpf_error** target, const vbpf::Error& error) { store(target, number_of(error.kind), error.message); }

// Runs `body`. What the C++ library below throws (std::bad_alloc, that is) becomes `error`, and `failed` is returned.
template <typename T, typename Body>
T guarded(vbpf_error** error, T failed, Body body) noexcept {
  try {
    return body();
  } catch (...) {
    if (error != nullptr) *error = &no_memory();
    return failed;
  }
}

template <typename T, typename Body>
T guarded(vbpf_fault** fault, T failed, Body body) noexcept {
  try {
    return body();
  } catch (...) {
    if (fault != nullptr) *fault = &undescribed();
    return failed;
  }
}

constexpr auto longest_budget = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());

// Of a newer program: what it asks for beyond this version must be nothing.
template <typename Options>
bool asks_for_more(const Options& given) {
  const auto* bytes = reinterpret_cast<const char*>(&given);
  return given.size > sizeof(given) && std::any_of(bytes + sizeof(given), bytes + given.size, [](char c) { return c; });
}

vbpf::Result<vbpf::LoadOptions> load_options(const vbpf_options* given) {
  vbpf::LoadOptions options;
  if (given == nullptr) return options;
  const auto bad = [](const char* message) { return vbpf::Error{vbpf::ErrorKind::bad_input, message}; };
  if (given->size < first_options_size) return bad("vbpf_options.size is not set: begin with VBPF_OPTIONS_INIT");
  if (asks_for_more(*given) || given->reserved != 0)
    return bad("vbpf_options asks for what this version of libvbpf does not have");
  switch (given->confinement) {
    case VBPF_CONFINE_AUTO:
      break;
    case VBPF_CONFINE_PKU:
      options.confine = vbpf::Confinement::pku;
      break;
    case VBPF_CONFINE_SFI:
      options.confine = vbpf::Confinement::sfi;
      break;
    case VBPF_CONFINE_UNCONFINED:
      options.confine = vbpf::Confinement::unconfined;
      break;
    default:
      return bad("vbpf_options.confinement is none of VBPF_CONFINE_*");
  }
  const auto nanoseconds = [](uint64_t value) {
    return std::chrono::nanoseconds(static_cast<int64_t>(std::min(value, longest_budget)));
  };
  if (given->budget_ns != 0) options.budget = nanoseconds(given->budget_ns);
  if (given->init_budget_ns != 0) options.init_budget = nanoseconds(given->init_budget_ns);
  if (given->stack_size != 0) options.stack_size = given->stack_size;
  if (given->heap_size != 0) options.heap_size = given->heap_size;
  if (given->log != nullptr) {
    options.log = [log = given->log, data = given->log_data](std::string_view line) {
      log(data, line.data(), line.size());
    };
  }
  return options;
}

vbpf_extension* keep(vbpf::Result<vbpf::Extension> opened, vbpf_error** error) {
  if (opened) return new vbpf_extension{*std::move(opened)};
  store(error, opened.error());
  return nullptr;
}

void store(vbpf_fault** target, std::optional<vbpf::Fault> fault) {
  if (target != nullptr && fault) *target = new vbpf_fault{*std::move(fault)};
}

vbpf::Result<vbpf::PagerOptions> pager_options(const vbpf_pager_options* given) {
  vbpf::PagerOptions options;
  if (given == nullptr) return options;
  const auto bad = [](const char* message) { return vbpf::Error{vbpf::ErrorKind::bad_input, message}; };
  if (given->size < first_pager_options_size)
    return bad("vbpf_pager_options.size is not set: begin with VBPF_PAGER_OPTIONS_INIT");
  const bool has_children = given->size >= sizeof(*given);
  if (asks_for_more(*given) || given->place > VBPF_PAGER_FAULTING_THREAD ||
      (has_children && (given->children > 1 || given->reserved != 0)))
    return bad("vbpf_pager_options asks for what this version of libvbpf does not have");
  options.place = static_cast<vbpf::PagerPlace>(given->place);
  if (given->entry != nullptr) options.entry = given->entry;
  if (given->source != nullptr) options.source = given->source;
  if (given->threads != 0) options.threads = given->threads;
  if (given->prefetch != 0) options.prefetch = given->prefetch;
  if (given->max_restarts != 0) options.max_restarts = given->max_restarts;
  options.children = has_children && given->children != 0;
  if (given->log != nullptr) {
    options.log = [log = given->log, data = given->log_data](std::string_view line) {
      log(data, line.data(), line.size());
    };
  }
  return options;
}

template <typename Make>
vbpf_pager* make_pager(const vbpf_pager_options* given, vbpf_error** error, Make make) {
  return guarded<vbpf_pager*>(error, nullptr, [&]() -> vbpf_pager* {
    const auto options = pager_options(given);
    if (!options) {
      store(error, options.error());
      return nullptr;
    }
    auto made = make(*options);
    if (made) return new vbpf_pager{*std::move(made)};
    store(error, made.error());
    return nullptr;
  });
}

}  // namespace

extern "C" {

const char* vbpf_version(void) { return VBPF_VERSION; }

int vbpf_error_get_kind(const vbpf_error* error) { return error->kind; }
const char* vbpf_error_get_message(const vbpf_error* error) { return error->message.c_str(); }
void vbpf_error_free(vbpf_error* error) {
  if (error != &no_memory()) delete error;
}

vbpf_extension* vbpf_extension_open(const char* path, const vbpf_options* options, vbpf_error** error) {
  return guarded<vbpf_extension*>(error, nullptr, [&]() -> vbpf_extension* {
    vbpf::Result<vbpf::LoadOptions> how = load_options(options);
    if (how) return keep(vbpf::Extension::open(path, *std::move(how)), error);
    store(error, how.error());
    return nullptr;
  });
}

vbpf_extension* vbpf_extension_open_memory(const void* object, size_t size, const char* name,
                                           const vbpf_options* options, vbpf_error** error) {
  return guarded<vbpf_extension*>(error, nullptr, [&]() -> vbpf_extension* {
    vbpf::Result<vbpf::LoadOptions> how = load_options(options);
    const std::span bytes(static_cast<const std::byte*>(object), size);
    if (how) return keep(vbpf::Extension::from_memory(bytes, name, *std::move(how)), error);
    store(error, how.error());
    return nullptr;
  });
}

void vbpf_extension_close(vbpf_extension* extension) { delete extension; }

const char* vbpf_extension_name(const vbpf_extension* extension) { return extension->extension.name().c_str(); }
int vbpf_extension_confinement(const vbpf_extension* extension) {
  return number_of(extension->extension.confinement());
}
const char* vbpf_extension_confinement_reason(const vbpf_extension* extension) {
  return extension->extension.confinement_reason().c_str();
}
uint32_t vbpf_extension_concurrency(const vbpf_extension* extension) { return extension->extension.concurrency(); }
uint64_t vbpf_extension_stack_size(const vbpf_extension* extension) { return extension->extension.stack_size(); }
uint64_t vbpf_extension_heap_size(const vbpf_extension* extension) { return extension->extension.heap_size(); }
uint64_t vbpf_extension_budget_ns(const vbpf_extension* extension) {
  return static_cast<uint64_t>(extension->extension.budget().count());
}
size_t vbpf_extension_entry_count(const vbpf_extension* extension) { return extension->extension.entries().size(); }
const char* vbpf_extension_entry_hook(const vbpf_extension* extension, size_t index) {
  const auto& entries = extension->extension.entries();
  return index < entries.size() ? entries[index].hook.c_str() : nullptr;
}
const char* vbpf_extension_entry_name(const vbpf_extension* extension, size_t index) {
  const auto& entries = extension->extension.entries();
  return index < entries.size() ? entries[index].name.c_str() : nullptr;
}

int vbpf_fault_get_kind(const vbpf_fault* fault) {
  for (const FaultNumber& known : fault_numbers) {
    if (known.kind == fault->fault.kind) return known.number;
  }
  return 0;
}
const char* vbpf_fault_kind_name(int kind) {
  for (const FaultNumber& known : fault_numbers) {
    if (known.number == kind) return vbpf::to_string(known.kind).data();  // literals
  }
  return "unknown";
}
uint64_t vbpf_fault_get_address(const vbpf_fault* fault) { return fault->fault.address; }
const char* vbpf_fault_get_address_is(const vbpf_fault* fault) { return fault->fault.address_is.c_str(); }
const char* vbpf_fault_get_message(const vbpf_fault* fault) { return fault->fault.message.c_str(); }
const char* vbpf_fault_get_symbol(const vbpf_fault* fault) { return fault->fault.symbol.c_str(); }
uint64_t vbpf_fault_get_symbol_offset(const vbpf_fault* fault) { return fault->fault.symbol_offset; }
const char* vbpf_fault_get_line(const vbpf_fault* fault) { return fault->fault.line.c_str(); }
void vbpf_fault_get_registers(const vbpf_fault* fault, vbpf_registers* registers) {
  if (registers->size <= sizeof(registers->size)) return;
  const size_t room = registers->size - sizeof(registers->size);
  std::memcpy(reinterpret_cast<char*>(registers) + offsetof(vbpf_registers, rax), &fault->fault.registers,
              std::min(room, sizeof(fault->fault.registers)));
}
void vbpf_fault_free(vbpf_fault* fault) {
  if (fault != &undescribed()) delete fault;
}

vbpf_instance* vbpf_instance_create(const vbpf_extension* extension, vbpf_error** error) {
  return guarded<vbpf_instance*>(error, nullptr, [&]() -> vbpf_instance* {
    auto made = extension->extension.instantiate();
    if (made) return new vbpf_instance{*std::move(made)};
    store(error, made.error());
    return nullptr;
  });
}

void vbpf_instance_destroy(vbpf_instance* instance) { delete instance; }

void* vbpf_instance_window(vbpf_instance* instance, size_t size, int memory, vbpf_error** error) {
  return guarded<void*>(error, nullptr, [&]() -> void* {
    const auto window = instance->instance->window(size, memory);
    if (window) return window->data();
    store(error, window.error());
    return nullptr;
  });
}

int vbpf_instance_entry(const vbpf_instance* instance, const char* name, const char* hook, uint64_t* address,
                        vbpf_error** error) {
  return guarded(error, -1, [&] {
    const auto entry = instance->instance->entry(name, hook == nullptr ? "" : hook);
    if (!entry) {
      store(error, entry.error());
      return -1;
    }
    *address = *entry;
    return 0;
  });
}

int vbpf_instance_call(vbpf_instance* instance, uint64_t entry, const uint64_t* arguments, size_t count,
                       uint64_t* value, vbpf_fault** fault) {
  return guarded(fault, 1, [&] {
    vbpf::Outcome outcome = instance->instance->call(entry, std::span(arguments, count));
    if (outcome.fault) {
      store(fault, std::move(outcome.fault));
      return 1;
    }
    if (value != nullptr) *value = outcome.value;
    return 0;
  });
}

size_t vbpf_instance_call_xdp(vbpf_instance* instance, uint64_t entry, vbpf_xdp_slot* slots, size_t count,
                              vbpf_fault** fault) {
  return guarded(fault, size_t{0}, [&] {
    std::optional<vbpf::Fault> found;
    auto* first = reinterpret_cast<vbpf::XdpSlot*>(slots);
    const size_t done = instance->instance->call_xdp(entry, std::span(first, count), found);
    store(fault, std::move(found));
    return done;
  });
}

int vbpf_instance_owns(const vbpf_instance* instance, uint64_t address, uint64_t size) {
  return instance->instance->owns(address, size) ? 1 : 0;
}

vbpf_pager* vbpf_pager_create(const vbpf_extension* extension, void* memory, size_t size,
                              const vbpf_pager_options* given, vbpf_error** error) {
  return make_pager(given, error, [&](const vbpf::PagerOptions& options) {
    return vbpf::Pager::page(extension->extension, {static_cast<std::byte*>(memory), size}, options);
  });
}

vbpf_pager* vbpf_uffd_attach(int descriptor, const vbpf_extension* extension, const vbpf_pager_options* given,
                             vbpf_error** error) {
  return make_pager(given, error, [&](const vbpf::PagerOptions& options) {
    return vbpf::Pager::attach(extension->extension, descriptor, options);
  });
}

void vbpf_pager_destroy(vbpf_pager* pager) { delete pager; }

int vbpf_pager_get_place(const vbpf_pager* pager) { return static_cast<int>(pager->pager->place()); }
void vbpf_pager_get_stats(const vbpf_pager* pager, vbpf_pager_stats* stats) {
  if (stats->size <= sizeof(stats->size)) return;
  const vbpf::PagerStats now = pager->pager->stats();
  static_assert(sizeof(now) == sizeof(*stats) - offsetof(vbpf_pager_stats, faults));
  std::memcpy(reinterpret_cast<char*>(stats) + offsetof(vbpf_pager_stats, faults), &now,
              std::min(stats->size - sizeof(stats->size), sizeof(now)));
}

}  // extern "C"
