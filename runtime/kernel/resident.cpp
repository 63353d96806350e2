// SPDX-License-Identifier: Apache-2.0
// load = read, verify, create; for each instance: link for its region, copy in; start.
#include "resident.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "bpf_maps.h"
#include "description.h"
#include "hook.h"
#include "object_file.h"
#include "vbpf/abi.h"

namespace vbpf::kernel {
namespace {

// Where it is verified first, before the kernel has said where it will be.
constexpr uint64_t any_kernel_base = 0xffffc90000000000;

template <typename T>
uint64_t address_of(const T* pointer) {
  return reinterpret_cast<uint64_t>(pointer);
}

// Instructions' numbers of the registers that thunks are named for.
constexpr std::array register_names{"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                    "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

std::vector<verifier::External> externals(uint64_t base, uint64_t heap_size) {
  using Kind = verifier::External::Kind;
  std::vector<verifier::External> all;
  all.push_back({"__x86_return_thunk", base + VBPF_THUNK_RETURN, Kind::return_thunk});
  for (uint64_t number = 0; number < register_names.size(); ++number) {
    if (std::string_view(register_names[number]) == "rsp") continue;
    all.push_back({std::string("__x86_indirect_thunk_") + register_names[number], base + VBPF_THUNK_INDIRECT(number),
                   Kind::branch});
  }
#define VBPF_IMPORT(number, name, result, parameters) \
  all.push_back({#name, base + VBPF_THUNK_IMPORT(number), Kind::branch});
#include "vbpf/imports.def"
#undef VBPF_IMPORT
  all.push_back({VBPF_SYMBOL_HEAP_START, base + VBPF_OFF_HEAP, Kind::data});
  all.push_back({VBPF_SYMBOL_HEAP_END, base + VBPF_OFF_HEAP + heap_size, Kind::data});
  return all;
}

uint32_t kind_of(verifier::Segment::Kind kind) {
  if (kind == verifier::Segment::Kind::text) return VBPF_SEGMENT_TEXT;
  return kind == verifier::Segment::Kind::data ? VBPF_SEGMENT_DATA : VBPF_SEGMENT_READ_ONLY;
}

uint32_t copy_size_of(uint32_t packet) {
  packet &= ~VBPF_PACKET_READ_ONLY;
  if (packet == VBPF_PACKET_ALL) return VBPF_COPY_LINEAR;
  return packet == VBPF_PACKET_NOTHING ? VBPF_COPY_NOTHING : packet;
}

uint64_t pages(uint64_t size) { return (size + 4095) & ~uint64_t{4095}; }

Result<verifier::Image> link_object(std::span<const std::byte> object, uint64_t base, uint64_t heap_size,
                                    const std::string& name) {
  verifier::Options how;
  how.variant = verifier::Variant::kernel;
  how.region_base = base;
  how.externals = externals(base, heap_size);
  verifier::Result result = verifier::verify(object, how);
  if (!result.image) return refusal(name, result.diagnostics);
  return std::move(*result.image);
}

std::vector<verifier::Symbol> relative_symbols(const verifier::Image& image) {
  std::vector<verifier::Symbol> symbols = image.symbols;
  for (verifier::Symbol& symbol : symbols) symbol.address -= image.region_base;
  return symbols;
}

std::vector<EntryInfo> entry_names(const verifier::Image& image) {
  std::vector<EntryInfo> names;
  names.reserve(image.entries.size());
  for (const verifier::Entry& entry : image.entries) names.push_back({entry.hook, entry.name});
  return names;
}

}  // namespace

Result<void> check_object(const std::string& path) {
  VBPF_TRY(const std::vector<std::byte> object, read_object(path));
  VBPF_CHECK(link_object(object, any_kernel_base, VBPF_HEAP_SIZE_DEFAULT, std::filesystem::path(path).stem().string()));
  return {};
}

Names names_of(std::span<const std::byte> object) {
  const auto image = link_object(object, any_kernel_base, VBPF_HEAP_SIZE_DEFAULT, "");
  return image ? Names{entry_names(*image), relative_symbols(*image)} : Names();
}

Result<Resident> Resident::load(const std::string& path, const ResidentOptions& options) {
  VBPF_TRY(std::vector<std::byte> object, read_object(path));
  return load(std::move(object), std::filesystem::path(path).stem().string(), options);
}

Result<Resident> Resident::load(std::vector<std::byte> object, const std::string& name,
                                const ResidentOptions& options) {
  VBPF_TRY(const Machine machine, Machine::open());
  Resident resident;
  resident.object_ = std::move(object);
  resident.heap_size_ = VBPF_HEAP_SIZE_DEFAULT;
  VBPF_TRY(const verifier::Image first, link_object(resident.object_, any_kernel_base, resident.heap_size_, name));
  VBPF_CHECK(resident.create(machine, options, first.manifest));
  VBPF_CHECK(resident.give_source(options.source));
  VBPF_CHECK(resident.give_maps(first, name));
  for (uint32_t i = 0; i < resident.instances_; ++i) VBPF_CHECK(resident.load_instance(i, name));
  VBPF_CHECK(resident.start(name));
  return resident;
}

Result<void> Resident::create(const Machine& machine, const ResidentOptions& options,
                              const verifier::Manifest& manifest) {
  heap_size_ = pages(options.heap_size.value_or(manifest.heap_size));
  vbpf_create request{};
  if (options.name.empty() || options.name.size() >= sizeof(request.name))
    return Error{ErrorKind::bad_input, "a name has 1 to " + std::to_string(sizeof(request.name) - 1) + " characters"};
  std::memcpy(request.name, options.name.data(), options.name.size());
  request.concurrency = manifest.concurrency;
  request.flags = options.precise ? VBPF_PRECISE : 0;
  if ((manifest.packet & VBPF_PACKET_READ_ONLY) != 0 || manifest.packet == VBPF_PACKET_NOTHING)
    request.flags |= VBPF_READ_ONLY;
  request.stack_size = options.stack_size.value_or(manifest.stack_size);
  request.heap_size = heap_size_;
  request.budget_ns = static_cast<uint64_t>(options.budget.count());
  request.init_budget_ns = static_cast<uint64_t>(options.init_budget.count());
  request.copy_size = options.copy_size.value_or(copy_size_of(manifest.packet));
  request.on_fault = options.on_fault;
  request.max_restarts = options.max_restarts;
  request.fill_size = options.fill_size;
  const std::string what = "the kernel did not take " + options.name;
  if (request.stack_size > machine.query.stack_size) {
    return Error{ErrorKind::bad_input, what + ": it wants a stack of " + std::to_string(request.stack_size) +
                                           " bytes, and the kernel engine gives " +
                                           std::to_string(machine.query.stack_size)};
  }
  extension_ = File(::ioctl(machine.device.get(), VBPF_IOC_CREATE, &request));
  if (!extension_) return device_error(what, errno);
  id_ = request.id;
  instances_ = request.instances;
  return {};
}

// The kernel pins its pages, which outlive this mapping.
Result<void> Resident::give_source(const std::string& path) const {
  if (path.empty()) return {};
  VBPF_TRY(const File file, open_source(path));
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return system_error("the source " + path, errno);
  const auto size = static_cast<size_t>(status.st_size);
  if (size > VBPF_SOURCE_MAX) {
    return Error{ErrorKind::bad_input, "the source " + path + " is larger than the kernel engine takes (" +
                                           std::to_string(VBPF_SOURCE_MAX >> 20) + " MiB): use --engine user"};
  }
  void* const mapping = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
  if (mapping == MAP_FAILED) return system_error("cannot map the source " + path, errno);
  vbpf_source request{reinterpret_cast<uint64_t>(mapping), size};
  const bool taken = ::ioctl(extension_.get(), VBPF_EXT_SOURCE, &request) == 0;
  const int why = errno;
  ::munmap(mapping, size);
  if (!taken) return device_error("the kernel did not take the source " + path, why);
  return {};
}

Result<void> Resident::answer(const Userfaults& faults) const {
  vbpf_attach request{faults.descriptor, faults.entry, faults.prefetch, static_cast<uint32_t>(faults.pid)};
  if (::ioctl(extension_.get(), VBPF_EXT_UFFD, &request) == 0) return {};
  if (errno == EBUSY)
    return Error{ErrorKind::refused, "another extension in the kernel answers the faults of this userfaultfd already"};
  if (errno == EBADF)
    return Error{ErrorKind::bad_input, "descriptor " + std::to_string(faults.descriptor) + " is not a userfaultfd"};
  return device_error("the kernel did not attach the extension to the userfaultfd", errno);
}

// The kernel keeps them from then on.
Result<void> Resident::give_maps(const verifier::Image& image, const std::string& name) const {
  if (image.maps.empty()) return {};
  VBPF_TRY(const BpfMaps maps, BpfMaps::make(image));
  std::vector<int32_t> descriptors;
  for (const BpfMaps::Made& made : maps.all()) descriptors.push_back(made.descriptor);
  vbpf_maps request{};
  request.descriptors = address_of(descriptors.data());
  request.count = static_cast<uint32_t>(descriptors.size());
  request.stride = sizeof(vbpf_map);
  request.offset = maps.all().front().map.address;
  if (::ioctl(extension_.get(), VBPF_EXT_MAPS, &request) != 0)
    return device_error("the kernel did not take the maps of " + name, errno);
  return {};
}

Result<void> Resident::load_instance(uint32_t instance, const std::string& name) {
  vbpf_region region{instance, 0, 0};
  if (::ioctl(extension_.get(), VBPF_EXT_REGION, &region) != 0) return device_error("an instance's region", errno);
  VBPF_TRY(const verifier::Image image, link_object(object_, region.base, heap_size_, name));
  const auto offset = [&](uint64_t address) { return address - region.base; };
  std::vector<vbpf_segment> segments;
  segments.reserve(image.segments.size());
  for (const verifier::Segment& segment : image.segments) {
    segments.push_back({offset(segment.address), segment.size, address_of(segment.bytes.data()), segment.bytes.size(),
                        kind_of(segment.kind), 0});
  }
  std::vector<uint64_t> entries, constructors;
  for (const verifier::Entry& entry : image.entries) entries.push_back(offset(entry.address));
  for (const uint64_t address : image.constructors) constructors.push_back(offset(address));
  vbpf_image request{};
  request.instance = instance;
  request.segment_count = static_cast<uint32_t>(segments.size());
  request.segments = address_of(segments.data());
  request.target_map = address_of(image.target_map.data());
  request.target_map_size = image.target_map.size();
  request.constructors = address_of(constructors.data());
  request.constructor_count = static_cast<uint32_t>(constructors.size());
  request.entry_count = static_cast<uint32_t>(entries.size());
  request.entries = address_of(entries.data());
  if (::ioctl(extension_.get(), VBPF_EXT_IMAGE, &request) != 0)
    return device_error("the kernel did not take the image of " + name, errno);
  if (instance != 0) return {};
  entries_ = entry_names(image);
  symbols_ = relative_symbols(image);
  return {};
}

Result<void> Resident::start(const std::string& name) const {
  vbpf_fault raw{};
  if (::ioctl(extension_.get(), VBPF_EXT_START, &raw) == 0) return {};
  if (errno != ECANCELED) return device_error("the kernel did not start " + name, errno);
  const Fault fault = describe(raw);
  std::string text = name + ": a global constructor ended in a fault: " + std::string(to_string(fault.kind));
  if (!fault.address_is.empty()) text += " (" + fault.address_is + ")";
  if (!fault.message.empty()) text += " (" + fault.message + ")";
  if (!fault.symbol.empty()) text += " in " + fault.symbol;
  if (!fault.line.empty()) text += " at " + fault.line;
  if (fault.kind == FaultKind::budget) text += "; all of them together have the init budget";
  return Error{ErrorKind::refused, text};
}

Fault Resident::describe(const vbpf_fault& raw) const { return kernel::describe(raw, symbols_, object_); }

Result<vbpf_info> Resident::info() const {
  vbpf_info info{};
  if (::ioctl(extension_.get(), VBPF_EXT_INFO, &info) != 0)
    return device_error("cannot ask the kernel about an extension", errno);
  return info;
}

Result<void> Resident::keep() const {
  if (::ioctl(extension_.get(), VBPF_EXT_KEEP) != 0)
    return device_error("the kernel did not keep the extension", errno);
  return {};
}

Result<TestRun> Resident::run(uint32_t entry, std::span<const uint8_t> packet, uint64_t repeat,
                              const TestContext& context) const {
  TestRun done;
  std::vector<uint8_t> out(size_t{4} * 4096);
  while (done.runs < repeat && !done.fault) {
    vbpf_fault raw{};
    vbpf_test_run request{};
    request.entry = entry;
    request.repeat = static_cast<uint32_t>(std::min<uint64_t>(repeat - done.runs, 1u << 20));
    request.data_in = address_of(packet.data());
    request.data_in_size = static_cast<uint32_t>(packet.size());
    request.data_out = address_of(out.data());
    request.data_out_size = static_cast<uint32_t>(out.size());
    request.fault = address_of(&raw);
    request.ingress_ifindex = context.ingress_ifindex;
    request.rx_queue_index = context.rx_queue_index;
    const bool returned = ::ioctl(extension_.get(), VBPF_EXT_RUN, &request) == 0;
    if (!returned && errno == EINVAL)
      return Error{ErrorKind::bad_input, "the kernel engine runs packets of at most 8192 bytes"};
    if (!returned && errno != ECANCELED) return device_error("the kernel did not run the extension", errno);
    done.runs += request.runs;
    done.time += std::chrono::nanoseconds(request.duration_ns);
    done.retval = request.retval;
    if (!returned) done.fault = describe(raw);
    if (returned && request.data_valid != 0) {
      done.out.emplace(out.begin(), out.begin() + std::min<ptrdiff_t>(request.data_out_size, std::ssize(out)));
    }
  }
  return done;
}

}  // namespace vbpf::kernel
