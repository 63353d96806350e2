// SPDX-License-Identifier: Apache-2.0
#include "outbox.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <algorithm>

namespace vbpf::xdp {
namespace {

// The longest packet of live frames: a page less headroom, skb_shared_info and the kernel's own notes. Found by trying.
constexpr uint32_t longest_live = 3392;
// Frames the kernel has in hand at a time: few, so that it finds the pages of the last ones free again, and in the
// cache.
constexpr uint32_t live_batch = 32;
// A device that refuses live frames is asked again after this.
constexpr auto refusal_lasts = std::chrono::seconds(10);

}  // namespace

Result<Outbox> Outbox::open(const Device& device, uint32_t queue, const Programs& programs, Socket& socket,
                            Counters& counters) {
  VBPF_TRY(Sender sender, Sender::open(device.ifindex, programs.pass_mark()));
  return Outbox(device, queue, programs, socket, counters, std::move(sender));
}

Outbox::Outbox(const Device& device, uint32_t queue, const Programs& programs, Socket& socket, Counters& counters,
               Sender sender)
    : device_(device),
      maps_(programs.maps_of(queue)),
      program_(programs.injecting_program()),
      generic_(programs.generic()),
      fast_live_(programs.live_frames_are_fast()),
      socket_(&socket),
      counters_(&counters),
      sender_(std::move(sender)),
      template_(longest_live) {}

vbpf_out_slot& Outbox::slot(uint32_t index) const {
  return *reinterpret_cast<vbpf_out_slot*>(maps_.slots.data() + size_t{index} * maps_.slot_size);
}

std::span<const std::byte> Outbox::packet(uint32_t index) const {
  const vbpf_out_slot& from = slot(index);
  return {reinterpret_cast<const std::byte*>(&from + 1), from.length};
}

void Outbox::add(uint32_t verdict, uint32_t ifindex, std::span<const std::byte> packet) {
  vbpf_out_slot& to = slot(count_++);
  to = {static_cast<uint32_t>(packet.size()), verdict, ifindex, 0};
  std::memcpy(&to + 1, packet.data(), packet.size());
  longest_ = std::max(longest_, to.length);
  ++by_verdict_[verdict];
}

// What went one by one may still wait in the receiving CPU's backlog, which live frames bypass.
void Outbox::wait_for_singles() const {
  const auto end = Clock::now() + std::chrono::milliseconds(5);
  while (sender_.pass_is_pending() && Clock::now() < end) __builtin_ia32_pause();
}

bool Outbox::live_frames_are_due() const {
  if (longest_ > longest_live) return false;
  if (!sender_.can_pass() && by_verdict_[XDP_PASS] != 0) return true;
  if (!fast_live_ || count_ < few) return false;
  return by_verdict_[XDP_PASS] == 0 || !sender_.pass_is_pending();
}

void Outbox::flush() {
  if (count_ == 0) return;
  if (live_frames_are_due()) {
    send_live();
  } else {
    send_singles();
  }
  count_ = longest_ = 0;
  by_verdict_.fill(0);
}

bool Outbox::pass_single(uint32_t index) {
  if (!sender_.can_pass()) return false;
  if (sender_.pass(packet(index))) {
    counters_->pass_single.add(1);
    return true;
  }
  // Longer than the device's MTU allows to send; giving back has no such limit.
  if (errno != EMSGSIZE || slot(index).length > longest_live) return false;
  wait_for_singles();
  if (run_live(index, index + 1, slot(index).length) != index + 1) return false;
  counters_->pass_batch.add(1);
  return true;
}

bool Outbox::send_single(uint32_t index) {
  const vbpf_out_slot& from = slot(index);
  switch (from.verdict) {
    case XDP_PASS:
      return pass_single(index);
    case XDP_TX:
      return socket_->send(packet(index));
    case XDP_REDIRECT:
      return sender_.redirect(from.ifindex, packet(index));
    default:
      return false;
  }
}

void Outbox::send_singles() {
  uint32_t failed = 0;
  for (uint32_t index = 0; index < count_; ++index) failed += send_single(index) ? 0 : 1;
  if (by_verdict_[XDP_TX] != 0) socket_->push();
  counters_->dropped.add(failed);
}

// Packets whose device takes no live frames go one by one, and the program skips them.
void Outbox::send_live() {
  const auto now = Clock::now();
  const bool transmit = now >= no_live_transmit_until_ && (by_verdict_[XDP_TX] == 0 || socket_->push() == 0);
  const bool redirect = now >= no_live_redirect_until_;
  uint32_t failed = 0;
  uint32_t live = count_;
  for (uint32_t index = 0; index < count_; ++index) {
    vbpf_out_slot& item = slot(index);
    if ((item.verdict == XDP_TX && !transmit) || (item.verdict == XDP_REDIRECT && !redirect)) {
      failed += send_single(index) ? 0 : 1;
      --by_verdict_[item.verdict];
      item.verdict = XDP_DROP;
      --live;
    }
  }
  if (!transmit) socket_->push();
  counters_->dropped.add(failed);
  if (live == 0) return;
  const Totals before = totals();
  settle(run_live(0, count_, longest_), before);
}

// Runs the program for the slots from `first` to `end`; returns the first it has not seen.
uint32_t Outbox::run_live(uint32_t first, uint32_t end, uint32_t longest) {
  xdp_md context{};
  context.data_end = longest;
  context.ingress_ifindex = device_.ifindex;
  maps_.cursor->next = first;
  uint32_t done = first;
  while (done < end) {
    bpf_test_run_opts options{};
    options.sz = sizeof(options);
    options.data_in = template_.data();
    options.data_size_in = longest;
    options.ctx_in = &context;
    options.ctx_size_in = sizeof(context);
    options.repeat = static_cast<int>(end - done);
    options.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
    options.batch_size = std::min(end - done, live_batch);
    const int error = bpf_prog_test_run_opts(program_, &options);
    const uint32_t seen = std::min(__atomic_load_n(&maps_.cursor->next, __ATOMIC_RELAXED), end);
    // A signal ends a run early: go on behind it.
    if ((error != 0 && error != -EINTR) || seen == done) return seen;
    done = seen;
  }
  return end;
}

Outbox::Totals Outbox::totals() const {
  return {__atomic_load_n(&maps_.losses->lost, __ATOMIC_RELAXED),
          __atomic_load_n(&maps_.losses->refused_transmit, __ATOMIC_RELAXED),
          __atomic_load_n(&maps_.losses->refused_redirect, __ATOMIC_RELAXED)};
}

void Outbox::settle(uint32_t done, const Totals& before) {
  const Totals after = totals();
  counters_->dropped.add(count_ - done + (after.lost - before.lost));
  uint64_t passed = 0;
  for (uint32_t index = 0; index < done; ++index) passed += slot(index).verdict == XDP_PASS ? 1 : 0;
  counters_->pass_batch.add(passed);
  if (after.transmit != before.transmit) {
    no_live_transmit_until_ = Clock::now() + refusal_lasts;
    send_refused(XDP_TX, after.transmit - before.transmit);
  }
  if (after.redirect != before.redirect) {
    no_live_redirect_until_ = Clock::now() + refusal_lasts;
    send_refused(XDP_REDIRECT, after.redirect - before.redirect);
  }
}

// When every packet with that verdict was refused they are all still here, and go one by one. When only some were
// (several devices), nothing tells which: they are lost, once.
void Outbox::send_refused(uint32_t verdict, uint64_t refused) {
  if (refused != by_verdict_[verdict]) {
    counters_->dropped.add(refused);
    return;
  }
  uint32_t failed = 0;
  for (uint32_t index = 0; index < count_; ++index) {
    if (slot(index).verdict == verdict) failed += send_single(index) ? 0 : 1;
  }
  if (verdict == XDP_TX) socket_->push();
  counters_->dropped.add(failed);
}

}  // namespace vbpf::xdp
