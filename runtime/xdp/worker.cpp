// SPDX-License-Identifier: Apache-2.0
#include "worker.h"

#include <linux/bpf.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <csignal>

namespace vbpf::xdp {
namespace {

// Adaptive polling spins so long after the last packet. Waking up costs a multiple of it only across cores.
constexpr auto spin_for = std::chrono::microseconds(50);

// Reads memory that the extension may be writing at this moment: once.
template <typename T>
T read_once(const T& from) {
  return *const_cast<const volatile T*>(&from);
}

}  // namespace

Worker::Worker(const Device& device, uint32_t queue, const Options& options, Programs& programs,
               std::shared_ptr<Group> group, size_t member, QueueMemory memory, Supervisor& supervisor)
    : device_(device),
      queue_(queue),
      options_(options),
      programs_(&programs),
      group_(std::move(group)),
      member_(member),
      memory_(std::move(memory)),
      supervisor_(&supervisor),
      received_(options.batch),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Result<std::unique_ptr<Worker>> Worker::make(const Device& device, uint32_t queue, const Options& options,
                                             Programs& programs, std::shared_ptr<Group> group, size_t member,
                                             QueueMemory memory, Supervisor& supervisor) {
  std::unique_ptr<Worker> worker(
      new Worker(device, queue, options, programs, std::move(group), member, std::move(memory), supervisor));
  if (!worker->wake_) return system_error("eventfd", errno);
  VBPF_TRY(worker->socket_, Socket::open(device, queue, worker->memory_.frames(), options, programs.generic()));
  VBPF_TRY(worker->outbox_, Outbox::open(device, queue, programs, *worker->socket_, worker->counters_));
  worker->use_current_instance();
  VBPF_CHECK(programs.add_socket(queue, worker->socket_->descriptor()));
  return worker;
}

Worker::~Worker() { stop(false); }

Result<void> Worker::start() {
  std::promise<Result<void>> promise;
  std::future<Result<void>> started = promise.get_future();
  {
    const SignalsElsewhere elsewhere;
    thread_ = std::thread([this, &promise] { run(std::move(promise)); });
  }
  return started.get();
}

void Worker::stop(bool judge) {
  if (!thread_.joinable()) return;
  if (!judge) judging_.store(false, std::memory_order_relaxed);
  stopping_.store(true, std::memory_order_release);
  const uint64_t one = 1;
  if (::write(wake_.get(), &one, sizeof(one)) < 0) stopping_.store(true);  // a full counter wakes as well
  thread_.join();
}

QueueStats Worker::stats() const {
  QueueStats stats = counters_.read();
  stats.dropped += socket_->dropped_by_kernel();
  return stats;
}

// The last CPUs first: interrupts and single-queue traffic prefer the first ones.
void Worker::pin() const {
  cpu_set_t allowed, one;
  if (::sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) cpus.push_back(cpu);
  }
  if (cpus.size() < 2) return;
  CPU_ZERO(&one);
  CPU_SET(cpus[cpus.size() - 1 - queue_ % cpus.size()], &one);
  ::sched_setaffinity(0, sizeof(one), &one);
}

void Worker::run(std::promise<Result<void>> started) {
  ::pthread_setname_np(::pthread_self(), ("vbpf-queue" + std::to_string(queue_ % 1000)).c_str());
  pin();
  const Result<void> known = programs_->serve_queue(queue_);
  started.set_value(known);
  if (!known) return;
  last_packet_ = std::chrono::steady_clock::now();
  while (true) {
    const bool worked = work();
    if (!worked && stopping_.load(std::memory_order_acquire)) break;
    if (!worked) idle();
  }
}

bool Worker::work() {
  const uint32_t count = socket_->receive(received_);
  if (count == 0) return false;
  const std::span<const Received> packets(received_.data(), count);
  uint64_t bytes = 0;
  for (const Received& packet : packets) bytes += packet.length;
  counters_.packets.add(count);
  counters_.bytes.add(bytes);
  judge(packets);
  socket_->recycle(packets);
  // What is on its way out waits for more only while more is there already.
  if (!socket_->has_received()) outbox_->flush();
  return true;
}

void Worker::idle() {
  using Clock = std::chrono::steady_clock;
  socket_->wake_if_needed();
  if (options_.poll == PollMode::spin) {
    __builtin_ia32_pause();
    return;
  }
  if (options_.poll == PollMode::adaptive) {
    last_packet_ = Clock::now();
    while (Clock::now() - last_packet_ < spin_for) {
      if (socket_->has_received()) return;
      __builtin_ia32_pause();
    }
  }
  std::array<pollfd, 2> waits{{{socket_->descriptor(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
  ::poll(waits.data(), waits.size(), -1);
  // A device that is gone reports errors for ever; the hook's monitor says what to do about it.
  if ((waits[0].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) ::poll(&waits[1], 1, 10);
}

void Worker::use_current_instance() {
  auto [running, generation] = group_->current();
  window_.running = std::move(running);
  window_.generation = generation;
  window_.base = window_.running->windows[member_];
  window_.slots = {reinterpret_cast<XdpSlot*>(window_.base + memory_.slots_offset), options_.batch};
}

void Worker::prepare(std::span<const Received> packets, size_t first) {
  for (size_t i = first; i < packets.size(); ++i) {
    auto* data = reinterpret_cast<uint8_t*>(window_.base + packets[i].offset);
    XdpSlot& slot = window_.slots[i];
    slot.ctx = {data, data + packets[i].length, data, device_.ifindex, queue_, 0};
    slot.verdict = XDP_ABORTED;
  }
}

void Worker::judge(std::span<const Received> packets) {
  size_t done = 0;
  while (done < packets.size()) {
    if (!judging_.load(std::memory_order_relaxed)) return give_back(packets.subspan(done));
    if (group_->generation() != window_.generation) use_current_instance();
    prepare(packets, done);
    std::optional<Fault> fault;
    const std::span<XdpSlot> slots = window_.slots.subspan(done, packets.size() - done);
    const size_t ran =
        std::min(window_.running->instance->call_xdp(window_.running->entry, slots, fault), slots.size());
    counters_.batches.add(1);
    act(packets, done, ran);
    done += ran;
    if (!fault || done == packets.size()) continue;
    handle_fault(*fault, packets[done]);
    ++done;
  }
}

void Worker::act(std::span<const Received> packets, size_t first, size_t count) {
  for (size_t i = first; i < first + count; ++i) act_on(window_.slots[i], packets[i]);
}

// Everything in the slot may be anything, and may change while it is read.
void Worker::act_on(const XdpSlot& slot, const Received& packet) {
  const uint32_t verdict = read_once(slot.verdict);
  if (verdict == XDP_DROP) return counters_.verdicts[XDP_DROP].add(1);
  if (verdict == XDP_ABORTED) return abort_packet("returned XDP_ABORTED");
  if (verdict > XDP_REDIRECT) return abort_packet("returned something that is no verdict");
  const uint32_t frame = packet.offset / options_.frame_size * options_.frame_size;
  const auto frame_address = reinterpret_cast<uintptr_t>(window_.base + frame);
  const uintptr_t start = reinterpret_cast<uintptr_t>(read_once(slot.ctx.data)) - frame_address;
  const uintptr_t end = reinterpret_cast<uintptr_t>(read_once(slot.ctx.data_end)) - frame_address;
  if (start > options_.frame_size || end > options_.frame_size || end < start)
    return abort_packet("moved data out of the frame");
  const size_t length = end - start;
  if (length < 14 || length > outbox_->max_length()) return abort_packet("left a packet that is too short or too long");
  counters_.verdicts[verdict].add(1);
  forward(verdict, read_once(slot.ctx.egress_ifindex), memory_.frames().subspan(frame + start, length));
}

void Worker::forward(uint32_t verdict, uint32_t ifindex, std::span<const std::byte> packet) {
  if (outbox_->full()) outbox_->flush();
  outbox_->add(verdict, ifindex, packet);
}

void Worker::give_back(std::span<const Received> packets) {
  for (const Received& packet : packets) {
    counters_.verdicts[XDP_PASS].add(1);
    forward(XDP_PASS, 0, memory_.frames().subspan(packet.offset, std::min(packet.length, outbox_->max_length())));
  }
}

void Worker::abort_packet(const char* why) {
  using Clock = std::chrono::steady_clock;
  counters_.verdicts[XDP_ABORTED].add(1);
  ++unreported_aborts_;
  const auto now = Clock::now();
  if (now - last_abort_report_ < std::chrono::seconds(1)) return;
  last_abort_report_ = now;
  Event event;
  event.kind = Event::Kind::aborted;
  event.time = std::chrono::system_clock::now();
  event.queue = queue_;
  event.message =
      options_.entry + " " + why + " (" + std::to_string(unreported_aborts_) + " packets since the last such line)";
  unreported_aborts_ = 0;
  supervisor_->report(event);
}

void Worker::handle_fault(const Fault& fault, const Received& packet) {
  counters_.faults.add(1);
  Event event;
  event.kind = Event::Kind::fault;
  event.time = std::chrono::system_clock::now();
  event.queue = queue_;
  event.fault = fault;
  event.message = options_.entry + " faulted: " + reason_of(fault);
  supervisor_->report(event);
  if (options_.on_fault == OnFault::pass) return give_back({&packet, 1});
  counters_.verdicts[XDP_ABORTED].add(1);
  if (options_.on_fault == OnFault::restart) return restart();
  judging_.store(false, std::memory_order_relaxed);
  supervisor_->request_detach(options_.entry + " faulted (" + reason_of(fault) + "), and the policy is to detach");
}

void Worker::restart() {
  // Another queue of a shared instance may have been faster; its fresh instance is used then.
  if (group_->generation() != window_.generation) return;
  if (!supervisor_->may_restart()) {
    judging_.store(false, std::memory_order_relaxed);
    return supervisor_->request_detach(options_.entry + " faulted more than " + std::to_string(options_.max_restarts) +
                                       " times within a minute");
  }
  const Result<bool> replaced = group_->replace(window_.generation);
  if (!replaced) {
    judging_.store(false, std::memory_order_relaxed);
    return supervisor_->request_detach("a fresh instance could not be made: " + replaced.error().message);
  }
  if (!*replaced) return;
  counters_.restarts.add(1);
  Event event;
  event.kind = Event::Kind::restart;
  event.time = std::chrono::system_clock::now();
  event.queue = queue_;
  event.message = options_.entry + " runs in a fresh instance";
  supervisor_->report(event);
}

}  // namespace vbpf::xdp
