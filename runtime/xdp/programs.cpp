// SPDX-License-Identifier: Apache-2.0
#include "programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <sys/random.h>

#include <algorithm>

#include "datapath.skel.h"

namespace vbpf::xdp {
namespace {

// Newer than the headers vBPF is built with.
constexpr auto attach_tcx_egress = static_cast<bpf_attach_type>(47);
constexpr uint32_t flag_before = 1u << 3;  // BPF_F_BEFORE, with no program named: first of all

template <typename T>
T random_value() {
  T value = 0;
  while (value == 0) {
    if (::getrandom(&value, sizeof(value), 0) != sizeof(value)) value = 0;
  }
  return value;
}

size_t page_rounded(size_t size) { return (size + 4095) & ~size_t{4095}; }

}  // namespace

Programs::~Programs() { datapath__destroy(skeleton_); }

Programs::Programs(Programs&& other) noexcept
    : skeleton_(std::exchange(other.skeleton_, nullptr)),
      generic_(other.generic_),
      queues_(other.queues_),
      slot_size_(other.slot_size_),
      pass_mark_(other.pass_mark_),
      redirecting_(other.redirecting_),
      program_ids_(other.program_ids_),
      current_(other.current_),
      slots_(std::move(other.slots_)),
      cursors_(std::move(other.cursors_)),
      losses_(std::move(other.losses_)),
      link_(std::move(other.link_)),
      give_back_link_(std::move(other.give_back_link_)),
      losses_link_(std::move(other.losses_link_)),
      refusals_link_(std::move(other.refusals_link_)),
      own_device_(std::move(other.own_device_)),
      member_(std::move(other.member_)) {}

Result<Programs> Programs::load(const Device& device, uint32_t frame_size, bool generic) {
  libbpf_set_print(nullptr);  // errors are returned, not printed
  Programs programs;
  programs.generic_ = generic;
  VBPF_CHECK(programs.open(device, frame_size));
  VBPF_CHECK(programs.map());
  VBPF_CHECK(programs.attach_helpers(device));
  return programs;
}

Result<void> Programs::open(const Device& device, uint32_t frame_size) {
  skeleton_ = datapath__open();
  if (skeleton_ == nullptr) return system_error("the eBPF programs could not be opened", errno);
  bpf_program__set_autoload(skeleton_->progs.vbpf_chained, false);
  queues_ = std::min(max_queues, device.max_queues);
  slot_size_ = frame_size;
  pass_mark_ = random_value<uint32_t>();
  skeleton_->rodata->slot_bytes = slot_size_ - static_cast<uint32_t>(sizeof(vbpf_out_slot));
  skeleton_->rodata->slot_mask = slot_size_ - 1;
  skeleton_->rodata->generic_mode = generic_;
  skeleton_->rodata->pass_secret = random_value<uint64_t>();
  skeleton_->rodata->pass_fwmark = pass_mark_;
  skeleton_->rodata->device_ifindex = device.ifindex;
  bpf_map__set_value_size(skeleton_->maps.slots, slot_size_);
  bpf_map__set_max_entries(skeleton_->maps.slots, queues_ * VBPF_XDP_SLOTS);
  bpf_map__set_max_entries(skeleton_->maps.sockets, queues_);
  bpf_map__set_max_entries(skeleton_->maps.cursors, queues_);
  bpf_map__set_max_entries(skeleton_->maps.losses, queues_);
  bpf_map__set_max_entries(skeleton_->maps.under_way, generic_ ? VBPF_XDP_UNDER_WAY : 1);
  if (const int error = datapath__load(skeleton_); error != 0) {
    return system_error("the kernel did not take the eBPF programs of the XDP hook (Linux 5.18 or newer is needed)",
                        -error);
  }
  redirecting_ = {bpf_program__fd(skeleton_->progs.vbpf_redirect), bpf_program__fd(skeleton_->progs.vbpf_redirect_2)};
  for (size_t i = 0; i < redirecting_.size(); ++i) {
    bpf_prog_info info{};
    uint32_t size = sizeof(info);
    if (bpf_obj_get_info_by_fd(redirecting_[i], &info, &size) != 0) return system_error("an eBPF program's id", errno);
    program_ids_[i] = info.id;
  }
  return {};
}

Result<void> Programs::map() {
  slots_ = Mapping(bpf_map__fd(skeleton_->maps.slots), page_rounded(size_t{queues_} * VBPF_XDP_SLOTS * slot_size_));
  cursors_ = Mapping(bpf_map__fd(skeleton_->maps.cursors), page_rounded(size_t{queues_} * sizeof(vbpf_cursor)));
  losses_ = Mapping(bpf_map__fd(skeleton_->maps.losses), page_rounded(size_t{queues_} * sizeof(vbpf_losses)));
  if (!slots_ || !cursors_ || !losses_) return system_error("the eBPF maps of the XDP hook could not be mapped", errno);
  return {};
}

Result<void> Programs::attach_helpers(const Device& device) {
  auto own = PrivateDevice::attach(injecting_program());
  if (own) own_device_ = std::move(*own);
  losses_link_ = File(bpf_raw_tracepoint_open("xdp_devmap_xmit", bpf_program__fd(skeleton_->progs.vbpf_count_losses)));
  refusals_link_ =
      File(bpf_raw_tracepoint_open("xdp_redirect_err", bpf_program__fd(skeleton_->progs.vbpf_count_refusals)));
  if (!losses_link_ || !refusals_link_) return system_error("the tracepoints of XDP cannot be watched", errno);
  if (!generic_) {
    bpf_link_create_opts options{};
    options.sz = sizeof(options);
    options.flags = flag_before;
    give_back_link_ = File(bpf_link_create(bpf_program__fd(skeleton_->progs.vbpf_give_back),
                                           static_cast<int>(device.ifindex), attach_tcx_egress, &options));
  }
  // Without tcx (before Linux 6.6) the socket has no way in: all go by live frames.
  if (!give_back_link_) pass_mark_ = 0;
  if (!own_device_ && pass_mark_ == 0) {
    return Error{ErrorKind::machine, "packets cannot be given back to the kernel here: neither veth devices nor tcx (" +
                                         own.error().message + ")"};
  }
  return {};
}

Result<void> Programs::attach(const Device& device) {
  bpf_link_create_opts options{};
  options.sz = sizeof(options);
  options.flags = generic_ ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
  link_ = File(bpf_link_create(redirecting_[current_], static_cast<int>(device.ifindex), BPF_XDP, &options));
  if (!link_) {
    const int error = errno;
    VBPF_CHECK(check_no_program(device));
    return system_error(std::string("the eBPF program could not be attached to ") + device.name + " in " +
                            (generic_ ? "generic" : "native") + " mode",
                        error);
  }
  return {};
}

Result<void> Programs::join_chain(const Device& device, const std::string& record) {
  VBPF_TRY(ChainMember member, ChainMember::join(device, *skeleton_->obj, record));
  member_.emplace(std::move(member));
  return {};
}

Result<void> Programs::attach_again() {
  if (member_) {
    return Error{ErrorKind::machine,
                 "the device has more receive queues, and the dispatcher it shares with other programs cannot be told: "
                 "load the extension again"};
  }
  const size_t other = 1 - current_;
  if (bpf_link_update(link_.get(), redirecting_[other], nullptr) != 0)
    return system_error("the eBPF program could not be attached again", errno);
  current_ = other;
  return {};
}

void Programs::detach() {
  member_.reset();
  link_.close();
}

Result<void> Programs::add_socket(uint32_t queue, int socket) {
  if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.sockets), &queue, &socket, BPF_ANY) != 0) {
    return system_error("a socket could not be put into the XDP map", errno);
  }
  return {};
}

SharedMaps Programs::maps_of(uint32_t queue) const {
  const size_t size = size_t{VBPF_XDP_SLOTS} * slot_size_;
  return {slots_.bytes().subspan(queue * size, size), slot_size_,
          reinterpret_cast<vbpf_cursor*>(cursors_.bytes().data()) + queue,
          reinterpret_cast<vbpf_losses*>(losses_.bytes().data()) + queue};
}

Result<void> Programs::serve_queue(uint32_t queue) const {
  bpf_test_run_opts options{};
  options.sz = sizeof(options);
  options.ctx_in = &queue;
  options.ctx_size_in = sizeof(queue);
  const int error = bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.vbpf_serve_queue), &options);
  if (error != 0 || options.retval != 0)
    return system_error("a thread could not be made known to the eBPF programs", error != 0 ? -error : ENOSPC);
  return {};
}

int Programs::injecting_program() const { return bpf_program__fd(skeleton_->progs.vbpf_inject); }

}  // namespace vbpf::xdp
