// SPDX-License-Identifier: Apache-2.0
// An instance of empty.cpp and calls into it, for the benchmark and for the counter of instructions.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "vbpf/extension.h"

namespace gate {

inline constexpr unsigned max_batch = 256;

class Guest {
 public:
  // Nothing if this machine does not have the confinement; ends the program if anything else is wrong.
  static std::unique_ptr<Guest> make(const char* object, vbpf::Confinement confinement) {
    vbpf::LoadOptions options;
    options.confine = confinement;
    auto extension = vbpf::Extension::open(object, options);
    if (!extension && extension.error().kind == vbpf::ErrorKind::machine) return nullptr;
    if (!extension) fail(extension.error().message);
    auto instance = extension->instantiate();
    if (!instance) fail(instance.error().message);
    return std::unique_ptr<Guest>(new Guest(std::move(*instance)));
  }

  uint64_t call(uint64_t value) {
    const vbpf::Outcome outcome = instance_->call(empty_, {value});
    if (outcome.fault) fail("the extension faulted");
    return outcome.value;
  }

  // One crossing for `count` packets, at most max_batch.
  void call_xdp(size_t count) {
    std::optional<vbpf::Fault> fault;
    if (instance_->call_xdp(pass_, slots_.first(count), fault) != count) fail("the extension faulted");
  }
  uint32_t verdict(size_t index) const { return slots_[index].verdict; }

 private:
  explicit Guest(std::unique_ptr<vbpf::Instance> instance) : instance_(std::move(instance)) {
    const auto empty = instance_->entry("empty"), pass = instance_->entry("pass", "xdp");
    const auto window = instance_->window(max_batch * sizeof(vbpf::XdpSlot));
    if (!empty || !pass || !window) fail("entries or window are missing");
    empty_ = *empty, pass_ = *pass;
    slots_ = {reinterpret_cast<vbpf::XdpSlot*>(window->data()), max_batch};
  }

  [[noreturn]] static void fail(const std::string& message) {
    std::fprintf(stderr, "gate: %s\n", message.c_str());
    std::exit(1);
  }

  std::unique_ptr<vbpf::Instance> instance_;
  uint64_t empty_ = 0, pass_ = 0;
  std::span<vbpf::XdpSlot> slots_;
};

}  // namespace gate
