// SPDX-License-Identifier: Apache-2.0
#include "raw_extension.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace vbpf::test {
namespace {

using namespace std::chrono_literals;

template <typename T>
uint64_t address_of(const T* pointer) {
  return reinterpret_cast<uint64_t>(pointer);
}

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(value_, other.value_);
  return *this;
}

Descriptor::~Descriptor() {
  if (value_ >= 0) ::close(value_);
}

bool eventually(const std::function<bool()>& condition) {
  for (const auto end = std::chrono::steady_clock::now() + 20s; std::chrono::steady_clock::now() < end;) {
    if (condition()) return true;
    std::this_thread::sleep_for(1ms);
  }
  return false;
}

int open_device() {
  const int descriptor = ::open(VBPF_DEVICE, O_RDWR | O_CLOEXEC);
  if (descriptor < 0) fail("open " VBPF_DEVICE);
  return descriptor;
}

RawExtension::RawExtension(std::span<const std::byte> code, std::span<const uint64_t> entries,
                           const RawOptions& options, std::span<const uint64_t> constructors)
    : device_(open_device()) {
  std::strncpy(create_.name, options.name.c_str(), sizeof(create_.name) - 1);
  create_.concurrency = options.concurrency;
  create_.flags = options.flags;
  create_.copy_size = options.copy_size;
  create_.on_fault = options.on_fault;
  create_.max_restarts = options.max_restarts;
  create_.stack_size = 65536;
  create_.heap_size = options.heap_size;
  create_.budget_ns = options.budget_ns;
  create_.init_budget_ns = options.init_budget_ns;
  const int descriptor = ::ioctl(device_.get(), VBPF_IOC_CREATE, &create_);
  if (descriptor < 0) fail("VBPF_IOC_CREATE");
  extension_ = Descriptor(descriptor);

  const auto in_image = [](std::span<const uint64_t> offsets) {
    std::vector<uint64_t> moved;
    for (const uint64_t offset : offsets) moved.push_back(text_offset + offset);
    return moved;
  };
  const std::vector<uint64_t> entry_offsets = in_image(entries), constructor_offsets = in_image(constructors);
  const std::vector<std::byte> marks(code.size(), std::byte{3});
  const vbpf_segment segments[] = {
      {text_offset, code.size(), address_of(code.data()), code.size(), VBPF_SEGMENT_TEXT, 0},
      {data_offset, 4096, 0, 0, VBPF_SEGMENT_DATA, 0},
  };
  for (uint32_t i = 0; i < create_.instances; ++i) {
    vbpf_region region{i, 0, 0};
    if (::ioctl(descriptor, VBPF_EXT_REGION, &region) != 0) fail("VBPF_EXT_REGION");
    bases_.push_back(region.base);
    vbpf_image image{};
    image.instance = i;
    image.segment_count = std::size(segments);
    image.segments = address_of(segments);
    image.target_map = address_of(marks.data());
    image.target_map_size = marks.size();
    image.constructors = address_of(constructor_offsets.data());
    image.constructor_count = static_cast<uint32_t>(constructor_offsets.size());
    image.entry_count = static_cast<uint32_t>(entry_offsets.size());
    image.entries = address_of(entry_offsets.data());
    if (::ioctl(descriptor, VBPF_EXT_IMAGE, &image) != 0) fail("VBPF_EXT_IMAGE");
  }
  vbpf_fault fault{};
  if (::ioctl(descriptor, VBPF_EXT_START, &fault) != 0) fail("VBPF_EXT_START");
}

Ran RawExtension::run(uint32_t entry, std::vector<uint64_t> words, uint32_t repeat) const {
  words.resize(std::max<size_t>(words.size(), 8));
  Ran ran;
  ran.out.resize(16384);
  vbpf_test_run test{};
  test.entry = entry;
  test.repeat = repeat;
  test.data_in = address_of(words.data());
  test.data_in_size = static_cast<uint32_t>(words.size() * sizeof(uint64_t));
  test.data_out = address_of(ran.out.data());
  test.data_out_size = static_cast<uint32_t>(ran.out.size());
  test.fault = address_of(&ran.fault);
  if (::ioctl(extension_.get(), VBPF_EXT_RUN, &test) != 0) ran.error = errno;
  ran.retval = test.retval;
  ran.out.resize(ran.error == 0 ? test.data_out_size : 0);
  return ran;
}

vbpf_info RawExtension::info() const {
  vbpf_info info{};
  if (::ioctl(extension_.get(), VBPF_EXT_INFO, &info) != 0) fail("VBPF_EXT_INFO");
  return info;
}

void RawExtension::keep() const {
  if (::ioctl(extension_.get(), VBPF_EXT_KEEP) != 0) fail("VBPF_EXT_KEEP");
}

void RawExtension::unload() const {
  const uint32_t id = create_.id;
  if (::ioctl(device_.get(), VBPF_IOC_UNLOAD, &id) != 0) fail("VBPF_IOC_UNLOAD");
}

OnCpu::OnCpu(int cpu) {
  ::sched_getaffinity(0, sizeof(before_), &before_);
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (::sched_setaffinity(0, sizeof(set), &set) != 0) fail("sched_setaffinity");
}

OnCpu::~OnCpu() { ::sched_setaffinity(0, sizeof(before_), &before_); }

uint64_t kernel_symbol(const std::string& name) {
  std::ifstream symbols("/proc/kallsyms");
  for (std::string line; std::getline(symbols, line);) {
    std::istringstream fields(line);
    uint64_t address = 0;
    char kind = 0;
    std::string symbol;
    fields >> std::hex >> address >> kind >> symbol;
    if (symbol == name && address != 0) return address;
  }
  throw std::runtime_error("/proc/kallsyms has no " + name);
}

}  // namespace vbpf::test
