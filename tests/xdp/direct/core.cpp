// SPDX-License-Identifier: Apache-2.0
// The engine's interface without an engine: extensions are shared objects that run as they are, without confinement.
// For the hook's own tests in a tree whose libvbpf is not there; they are linked with libvbpf where it is.
#include <dlfcn.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "vbpf/extension.h"

namespace vbpf {

std::string_view to_string(Confinement) { return "direct"; }
std::string_view to_string(FaultKind kind) { return kind == FaultKind::divide_error ? "divide-error" : "bad-address"; }

struct Extension::State {
  std::string name, bytes;
  std::vector<EntryInfo> entries;
  std::string reason = "no engine in this build";
  LoadOptions options;
};

struct Instance::State {
  Extension extension;
  void* object = nullptr;
  std::vector<std::span<std::byte>> windows;
};

namespace {

thread_local sigjmp_buf* escape;
thread_local FaultKind fault_kind;
thread_local uint64_t fault_address;

void on_signal(int number, siginfo_t* info, void*) {
  if (escape == nullptr) {
    ::signal(number, SIG_DFL);
    return;
  }
  fault_kind = number == SIGFPE ? FaultKind::divide_error : FaultKind::bad_address;
  fault_address = reinterpret_cast<uint64_t>(info->si_addr);
  siglongjmp(*escape, 1);
}

void catch_faults() {
  struct sigaction action{};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE}) ::sigaction(number, &action, nullptr);
}

void use_alternate_stack() {
  static thread_local bool done = false;
  if (std::exchange(done, true)) return;
  alignas(16) static thread_local std::byte memory[65536];
  stack_t stack{};
  stack.ss_sp = memory;
  stack.ss_size = sizeof(memory);
  ::sigaltstack(&stack, nullptr);
}

}  // namespace

Result<Extension> Extension::open(const std::string& path, LoadOptions options) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{ErrorKind::bad_input, "cannot read " + path};
  auto state = std::make_shared<State>();
  state->bytes.assign(std::istreambuf_iterator<char>(file), {});
  state->name = std::filesystem::path(path).stem();
  state->entries = {{"xdp", state->name}};
  state->options = std::move(options);
  Extension extension;
  extension.state_ = state;
  return extension;
}

const std::string& Extension::name() const { return state_->name; }
Confinement Extension::confinement() const { return Confinement::unconfined; }
const std::string& Extension::confinement_reason() const { return state_->reason; }
uint32_t Extension::concurrency() const { return VBPF_CONCURRENCY_PER_CPU; }
const std::vector<EntryInfo>& Extension::entries() const { return state_->entries; }
uint64_t Extension::stack_size() const { return VBPF_STACK_SIZE_DEFAULT; }
uint64_t Extension::heap_size() const { return VBPF_HEAP_SIZE_DEFAULT; }
std::chrono::nanoseconds Extension::budget() const { return state_->options.budget; }

// A copy for each instance, so that each has globals of its own.
Result<std::unique_ptr<Instance>> Extension::instantiate() const {
  catch_faults();
  const int copy = ::memfd_create("extension", MFD_CLOEXEC);
  const auto& bytes = state_->bytes;
  if (copy < 0 || ::write(copy, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
    return Error{ErrorKind::machine, "memfd"};
  }
  auto state = std::make_unique<Instance::State>();
  state->extension = *this;
  state->object = ::dlopen(("/proc/self/fd/" + std::to_string(copy)).c_str(), RTLD_NOW | RTLD_LOCAL);
  ::close(copy);
  if (state->object == nullptr) return Error{ErrorKind::bad_input, ::dlerror()};
  return std::unique_ptr<Instance>(new Instance(std::move(state)));
}

Instance::Instance(std::unique_ptr<State> state) : state_(std::move(state)) {}

Instance::~Instance() {
  for (const auto window : state_->windows) ::munmap(window.data(), window.size());
  ::dlclose(state_->object);
}

Result<std::span<std::byte>> Instance::window(size_t size, int memory) {
  void* address =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, memory < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, memory, 0);
  if (address == MAP_FAILED) return Error{ErrorKind::machine, "mmap"};
  state_->windows.emplace_back(static_cast<std::byte*>(address), size);
  return state_->windows.back();
}

Result<uint64_t> Instance::entry(std::string_view name, std::string_view) const {
  void* address = ::dlsym(state_->object, std::string(name).c_str());
  if (address == nullptr) return Error{ErrorKind::bad_input, "no such entry"};
  return reinterpret_cast<uint64_t>(address);
}

size_t Instance::call_xdp(uint64_t entry, std::span<XdpSlot> slots, std::optional<Fault>& fault) {
  use_alternate_stack();
  sigjmp_buf here;
  volatile size_t index = 0;
  escape = &here;
  if (sigsetjmp(here, 0) == 0) {
    for (; index < slots.size(); index = index + 1) {
      slots[index].verdict = static_cast<uint32_t>(reinterpret_cast<int (*)(vbpf_xdp*)>(entry)(&slots[index].ctx));
    }
  } else {
    fault.emplace();
    fault->kind = fault_kind;
    fault->address = fault_address;
    slots[index].verdict = 0;
  }
  escape = nullptr;
  return index;
}

}  // namespace vbpf
