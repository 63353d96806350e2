// SPDX-License-Identifier: Apache-2.0
#include "bare.h"

#include <bpf/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xdp/xsk.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "bench.skel.h"

namespace vbpf::xdp_bench {
namespace {

constexpr uint32_t frames = 2048, frame_size = 2048, batch = 64;

}  // namespace

void give_up(const std::string& what) {
  std::fprintf(stderr, "xdp_bench: %s\n", what.c_str());
  std::exit(1);
}

void pin_to(int cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  if (::sched_setaffinity(0, sizeof(one), &one) != 0) give_up("cannot run on CPU " + std::to_string(cpu));
}

struct Bare::Rings {
  void* memory = nullptr;
  xsk_umem* umem = nullptr;
  xsk_socket* socket = nullptr;
  xsk_ring_prod fill{}, tx{};
  xsk_ring_cons completed{}, rx{};
};

Bare::Bare(const std::string& device, int cpu, BareLoop loop, bench* programs) : rings_(new Rings) {
  rings_->memory = ::mmap(nullptr, size_t{frames} * frame_size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  const xsk_umem_config memory{
      .fill_size = frames, .comp_size = frames, .frame_size = frame_size, .frame_headroom = 0, .flags = 0};
  xsk_socket_config config{};
  config.rx_size = config.tx_size = frames;
  config.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD;
  config.bind_flags = XDP_COPY | XDP_USE_NEED_WAKEUP;
  if (rings_->memory == MAP_FAILED) give_up("no memory");
  // A queue is free a little after the last socket on it was closed.
  int error = -EBUSY;
  for (int attempt = 0; attempt < 50 && error == -EBUSY; ++attempt) {
    if (attempt != 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    error = xsk_umem__create(&rings_->umem, rings_->memory, size_t{frames} * frame_size, &rings_->fill,
                             &rings_->completed, &memory);
    if (error != 0) break;
    error = xsk_socket__create(&rings_->socket, device.c_str(), 0, rings_->umem, &rings_->rx, &rings_->tx, &config);
    if (error != 0) xsk_umem__delete(rings_->umem);
  }
  if (error != 0) give_up("AF_XDP on " + device + ": " + std::strerror(-error));
  uint32_t index = 0;
  xsk_ring_prod__reserve(&rings_->fill, frames, &index);
  for (uint32_t frame = 0; frame < frames; ++frame)
    *xsk_ring_prod__fill_addr(&rings_->fill, index + frame) = uint64_t{frame} * frame_size;
  xsk_ring_prod__submit(&rings_->fill, frames);
  const uint32_t queue = 0;
  const int descriptor = xsk_socket__fd(rings_->socket);
  bpf_map_update_elem(bpf_map__fd(programs->maps.sockets), &queue, &descriptor, BPF_ANY);
  thread_ = std::thread([this, loop, cpu] { run(loop, cpu); });
  bpf_link_create_opts options{};
  options.sz = sizeof(options);
  options.flags = XDP_FLAGS_DRV_MODE;
  link_ = bpf_link_create(bpf_program__fd(programs->progs.to_socket), static_cast<int>(if_nametoindex(device.c_str())),
                          BPF_XDP, &options);
  if (link_ < 0) give_up("attaching to " + device + ": " + std::strerror(errno));
}

Bare::~Bare() {
  ::close(link_);
  stop_ = true;
  thread_.join();
  xsk_socket__delete(rings_->socket);
  xsk_umem__delete(rings_->umem);
  ::munmap(rings_->memory, size_t{frames} * frame_size);
  delete rings_;
}

void Bare::run(BareLoop loop, int cpu) {
  pin_to(cpu);
  Rings& rings = *rings_;
  const int descriptor = xsk_socket__fd(rings.socket);
  uint32_t in_flight = 0;
  while (!stop_.load(std::memory_order_relaxed)) {
    uint32_t from = 0, to = 0;
    const uint32_t count = xsk_ring_cons__peek(&rings.rx, batch, &from);
    if (count != 0 && loop == BareLoop::drop) {
      xsk_ring_prod__reserve(&rings.fill, count, &to);
      for (uint32_t i = 0; i < count; ++i) {
        *xsk_ring_prod__fill_addr(&rings.fill, to + i) =
            xsk_ring_cons__rx_desc(&rings.rx, from + i)->addr & ~uint64_t{frame_size - 1};
      }
      xsk_ring_prod__submit(&rings.fill, count);
    } else if (count != 0) {
      xsk_ring_prod__reserve(&rings.tx, count, &to);
      for (uint32_t i = 0; i < count; ++i)
        *xsk_ring_prod__tx_desc(&rings.tx, to + i) = *xsk_ring_cons__rx_desc(&rings.rx, from + i);
      xsk_ring_prod__submit(&rings.tx, count);
      in_flight += count;
    }
    if (count != 0) xsk_ring_cons__release(&rings.rx, count);
    packets_.store(packets_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
    if (in_flight == 0) continue;
    if (xsk_ring_prod__needs_wakeup(&rings.tx)) ::sendto(descriptor, nullptr, 0, MSG_DONTWAIT, nullptr, 0);
    const uint32_t sent = xsk_ring_cons__peek(&rings.completed, in_flight, &from);
    if (sent == 0) continue;
    xsk_ring_prod__reserve(&rings.fill, sent, &to);
    for (uint32_t i = 0; i < sent; ++i) {
      *xsk_ring_prod__fill_addr(&rings.fill, to + i) =
          *xsk_ring_cons__comp_addr(&rings.completed, from + i) & ~uint64_t{frame_size - 1};
    }
    xsk_ring_prod__submit(&rings.fill, sent);
    xsk_ring_cons__release(&rings.completed, sent);
    in_flight -= sent;
  }
}

}  // namespace vbpf::xdp_bench
