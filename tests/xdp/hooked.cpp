// SPDX-License-Identifier: Apache-2.0
#include "hooked.h"

#include <cstdlib>

namespace vbpf::xdp_test {
namespace {

// VBPF_TEST_CONFINE=pku|sfi picks the confinement (else the strongest here), with time enough for an emulated machine.
LoadOptions load_options() {
  LoadOptions options;
  const char* asked = std::getenv("VBPF_TEST_CONFINE");
  if (asked == nullptr) return options;
  options.budget = options.init_budget = std::chrono::seconds(20);
  for (const auto confinement : {Confinement::pku, Confinement::sfi}) {
    if (to_string(confinement) == asked) options.confine = confinement;
  }
  EXPECT_TRUE(options.confine.has_value()) << "VBPF_TEST_CONFINE is neither pku nor sfi: " << asked;
  return options;
}

}  // namespace

Hooked::Hooked(const Network& network, const std::string& name, const xdp::Options& options) {
  const InNamespace in(network.near);
  auto extension = Extension::open(std::string(XDP_EXTENSIONS) + "/" + name + ".o", load_options());
  if (!extension) {
    ADD_FAILURE() << extension.error().message;
    return;
  }
  auto hook = xdp::Hook::attach(*extension, options, [this](const Event& event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(event);
  });
  if (hook) {
    hook_ = std::move(*hook);
  } else {
    error_ = hook.error().message;
  }
}

xdp::QueueStats Hooked::total() const {
  xdp::QueueStats sum;
  for (const xdp::QueueStats& one : hook_->stats()) {
    sum.packets += one.packets;
    sum.bytes += one.bytes;
    for (size_t i = 0; i < sum.verdicts.size(); ++i) sum.verdicts[i] += one.verdicts[i];
    sum.faults += one.faults;
    sum.restarts += one.restarts;
    sum.pass_single += one.pass_single;
    sum.pass_batch += one.pass_batch;
    sum.dropped += one.dropped;
    sum.batches += one.batches;
  }
  return sum;
}

std::vector<Event> Hooked::events() const {
  const std::lock_guard lock(mutex_);
  return events_;
}

}  // namespace vbpf::xdp_test
