// SPDX-License-Identifier: Apache-2.0
#include "socket.h"

#include <linux/if_xdp.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace vbpf::xdp {
namespace {

// Newer than some C libraries' headers.
constexpr int so_busy_poll = 46, so_prefer_busy_poll = 69, so_busy_poll_budget = 70;

constexpr uint32_t frames_to_send(uint32_t frames) { return frames / 4; }

uint32_t power_of_two_at_least(uint32_t value) {
  uint32_t size = 1;
  while (size < value) size *= 2;
  return size;
}

Error explain(const Device& device, uint32_t queue, int error) {
  const std::string what = "AF_XDP on " + device.name + ", queue " + std::to_string(queue);
  if (error == EAFNOSUPPORT) {
    return {ErrorKind::machine, "this kernel has no AF_XDP sockets: one with CONFIG_XDP_SOCKETS is needed"};
  }
  if (error == EBUSY)
    return {ErrorKind::bad_input, what + ": another program has a socket there; end it, or choose another device"};
  if (error == ENOBUFS || error == ENOMEM)
    return {ErrorKind::machine, what + ": no memory for the frames; give fewer (--frames) or raise RLIMIT_MEMLOCK"};
  return system_error(what, error);
}

}  // namespace

Result<std::unique_ptr<Socket>> Socket::open(const Device& device, uint32_t queue, std::span<std::byte> memory,
                                             const Options& options, bool generic) {
  std::unique_ptr<Socket> made(new Socket);
  made->memory_ = memory;
  made->frame_size_ = options.frame_size;
  const bool try_zero_copy = !generic && options.zero_copy.value_or(true);
  int error = EOPNOTSUPP;
  if (try_zero_copy) {
    error = made->create(device, queue, XDP_ZEROCOPY | XDP_USE_NEED_WAKEUP, options.frames);
    made->zero_copy_ = error == 0;
  }
  if (error != 0 && options.zero_copy.value_or(false)) {
    return Error{ErrorKind::bad_input, "zero-copy was asked for, and " + device.name + " cannot do it in " +
                                           (generic ? "generic mode" : "this mode") + " (" + std::strerror(error) +
                                           "): leave it out"};
  }
  if (error != 0) error = made->create(device, queue, XDP_COPY | XDP_USE_NEED_WAKEUP, options.frames);
  if (error != 0) return explain(device, queue, error);
  const uint32_t for_sending = frames_to_send(options.frames);
  for (uint32_t frame = 0; frame < for_sending; ++frame) made->free_.push_back(frame * options.frame_size);
  std::vector<Received> filling;
  for (uint32_t frame = for_sending; frame < options.frames; ++frame)
    filling.push_back({frame * options.frame_size, 0});
  made->recycle(filling);
  made->set_busy_poll();
  return made;
}

// The kernel lets go of a queue a little after the last socket on it was closed.
int Socket::create(const Device& device, uint32_t queue, uint16_t bind_flags, uint32_t frames) {
  int error = try_create(device, queue, bind_flags, frames);
  for (int attempt = 0; attempt < 50 && error == EBUSY; ++attempt) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    error = try_create(device, queue, bind_flags, frames);
  }
  return error;
}

int Socket::try_create(const Device& device, uint32_t queue, uint16_t bind_flags, uint32_t frames) {
  const uint32_t for_sending = power_of_two_at_least(frames_to_send(frames));
  const xsk_umem_config umem{
      .fill_size = frames, .comp_size = for_sending, .frame_size = frame_size_, .frame_headroom = 0, .flags = 0};
  const int error = xsk_umem__create(&umem_, memory_.data(), memory_.size(), &fill_, &completed_, &umem);
  if (error != 0) return -error;
  xsk_socket_config config{};
  config.rx_size = frames;
  config.tx_size = for_sending;
  config.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD;
  config.bind_flags = bind_flags;
  const int bound = xsk_socket__create(&socket_, device.name.c_str(), queue, umem_, &rx_, &tx_, &config);
  if (bound != 0) {
    xsk_umem__delete(umem_);
    umem_ = nullptr;
    socket_ = nullptr;
  }
  return -bound;
}

Socket::~Socket() {
  if (socket_ != nullptr) xsk_socket__delete(socket_);
  if (umem_ != nullptr) xsk_umem__delete(umem_);
}

// In copy mode the kernel takes the options, and nothing comes of them: there they are not set.
void Socket::set_busy_poll() {
  if (!zero_copy_) return;
  const int on = 1, microseconds = 20, budget = 64;
  busy_poll_ = ::setsockopt(descriptor(), SOL_SOCKET, so_prefer_busy_poll, &on, sizeof(on)) == 0 &&
               ::setsockopt(descriptor(), SOL_SOCKET, so_busy_poll, &microseconds, sizeof(microseconds)) == 0 &&
               ::setsockopt(descriptor(), SOL_SOCKET, so_busy_poll_budget, &budget, sizeof(budget)) == 0;
}

uint32_t Socket::receive(std::span<Received> received) {
  uint32_t index = 0;
  const uint32_t count = xsk_ring_cons__peek(&rx_, static_cast<uint32_t>(received.size()), &index);
  for (uint32_t i = 0; i < count; ++i) {
    const xdp_desc* descriptor = xsk_ring_cons__rx_desc(&rx_, index + i);
    received[i] = {static_cast<uint32_t>(descriptor->addr), descriptor->len};
  }
  if (count != 0) xsk_ring_cons__release(&rx_, count);
  return count;
}

void Socket::recycle(std::span<const Received> received) {
  uint32_t index = 0;
  const auto count = static_cast<uint32_t>(received.size());
  // The ring holds as many as there are frames: there is always room.
  if (count == 0 || xsk_ring_prod__reserve(&fill_, count, &index) != count) return;
  for (uint32_t i = 0; i < count; ++i) {
    *xsk_ring_prod__fill_addr(&fill_, index + i) = uint64_t{received[i].offset / frame_size_} * frame_size_;
  }
  xsk_ring_prod__submit(&fill_, count);
}

void Socket::wake_if_needed() {
  if (busy_poll_ || xsk_ring_prod__needs_wakeup(&fill_))
    ::recvfrom(descriptor(), nullptr, 0, MSG_DONTWAIT, nullptr, nullptr);
}

void Socket::collect_sent() {
  uint32_t index = 0;
  const uint32_t count = xsk_ring_cons__peek(&completed_, in_flight_, &index);
  for (uint32_t i = 0; i < count; ++i) {
    free_.push_back(static_cast<uint32_t>(*xsk_ring_cons__comp_addr(&completed_, index + i)) / frame_size_ *
                    frame_size_);
  }
  if (count != 0) xsk_ring_cons__release(&completed_, count);
  in_flight_ -= count;
}

bool Socket::send(std::span<const std::byte> packet) {
  if (free_.empty()) push();
  uint32_t index = 0;
  if (free_.empty() || packet.size() > frame_size_ || xsk_ring_prod__reserve(&tx_, 1, &index) != 1) return false;
  const uint32_t offset = free_.back();
  free_.pop_back();
  std::memcpy(memory_.data() + offset, packet.data(), packet.size());
  *xsk_ring_prod__tx_desc(&tx_, index) = {offset, static_cast<uint32_t>(packet.size()), 0};
  xsk_ring_prod__submit(&tx_, 1);
  ++in_flight_;
  return true;
}

uint32_t Socket::push() {
  collect_sent();
  // In copy mode a call sends at most 32 packets. A device that is full for so long loses what waits longer.
  for (int attempt = 0; attempt < 64 && in_flight_ != 0; ++attempt) {
    const bool needed = !zero_copy_ || xsk_ring_prod__needs_wakeup(&tx_);
    const int sent = needed ? static_cast<int>(::sendto(descriptor(), nullptr, 0, MSG_DONTWAIT, nullptr, 0)) : 0;
    const int error = sent < 0 ? errno : 0;
    collect_sent();
    if (zero_copy_ && error == 0) break;  // the driver goes on by itself
    if (error != 0 && error != EAGAIN && error != EBUSY && error != ENOBUFS && error != EINTR) break;
  }
  return in_flight_;
}

uint64_t Socket::dropped_by_kernel() const {
  xdp_statistics statistics{};
  socklen_t size = sizeof(statistics);
  if (::getsockopt(descriptor(), SOL_XDP, XDP_STATISTICS, &statistics, &size) != 0) return 0;
  // Too long for a frame; no room in the ring; no frame left: the last two are told only by newer kernels.
  uint64_t dropped = statistics.rx_dropped;
  if (size >= offsetof(xdp_statistics, rx_fill_ring_empty_descs)) dropped += statistics.rx_ring_full;
  return dropped;
}

}  // namespace vbpf::xdp
