// SPDX-License-Identifier: Apache-2.0
// Attaching: look at the device, make instances and sockets, then let packets in; and watching what becomes of the
// device.
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <deque>
#include <mutex>

#include "chain.h"
#include "device.h"
#include "netlink.h"
#include "worker.h"
#include "xdp_hook.h"

namespace vbpf::xdp {
namespace {

// Headroom that the kernel leaves before a packet in a frame.
constexpr uint32_t kernel_headroom = 256;
constexpr uint32_t longest_live_packet = 3392;
constexpr int look_every_ms = 200;

Result<void> choose_frame_size(const Device& device, Options& options) {
  const uint32_t needed = packet_size(device.mtu) + kernel_headroom;
  if (options.frame_size == 0) options.frame_size = needed <= 2048 ? 2048 : 4096;
  if (options.frame_size != 2048 && options.frame_size != 4096) {
    return Error{ErrorKind::bad_input,
                 "frames can be of 2048 or 4096 bytes, not " + std::to_string(options.frame_size)};
  }
  if (needed > options.frame_size) {
    return Error{ErrorKind::bad_input, "the MTU of " + device.name + " is " + std::to_string(device.mtu) +
                                           ", and frames of " + std::to_string(options.frame_size) +
                                           " bytes hold at most " +
                                           std::to_string(options.frame_size - kernel_headroom - packet_size(0)) +
                                           ": lower it with `ip link set " + device.name + " mtu N`"};
  }
  return {};
}

Result<void> check_options(const Options& options) {
  if (options.frames < 64 || options.frames > (1u << 16) || (options.frames & (options.frames - 1)) != 0) {
    return Error{ErrorKind::bad_input,
                 "frames per queue must be a power of two from 64 to 65536, not " + std::to_string(options.frames)};
  }
  if (options.batch == 0 || options.batch > options.frames) {
    return Error{ErrorKind::bad_input,
                 "a batch must be of 1 packet to as many as there are frames, not " + std::to_string(options.batch)};
  }
  return {};
}

class AttachedHook final : public Hook, private Supervisor {
 public:
  AttachedHook(const Extension& extension, Options options, Device device, std::function<void(const Event&)> on_event)
      : extension_(extension),
        options_(std::move(options)),
        device_(std::move(device)),
        on_event_(std::move(on_event)),
        restarts_(options_.max_restarts) {}
  ~AttachedHook() override;

  Result<void> start();

  Info info() const override;
  std::vector<QueueStats> stats() const override;
  std::optional<std::string> detached() const override;

 private:
  Result<void> bring_up();
  Result<void> bring_up_in(bool generic);
  Result<void> add_worker(uint32_t queue);
  void stop_workers(bool judge);
  void watch();
  void look_at_link();
  void look_at_program();
  void look_at_queues();
  void detach_now(const std::string& reason);

  void report(const Event& event) override;
  bool may_restart() override { return restarts_.may_restart(); }
  void request_detach(const std::string& reason) override;

  const Extension extension_;
  Options options_;
  Device device_;
  std::function<void(const Event&)> on_event_;
  bool joins_chain_ = false;  // of other programs on the device
  std::optional<Programs> programs_;
  std::shared_ptr<Group> shared_group_;  // `shared` and `serial`
  std::vector<QueueMemory> shared_memories_;
  LinkMonitor monitor_;
  File wake_;
  std::optional<std::chrono::steady_clock::time_point> without_program_since_;
  std::atomic<bool> ending_{false};
  std::thread watcher_;

  mutable std::mutex mutex_;  // all below, and the list of workers
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<QueueStats> last_stats_;  // once the workers are gone
  Info info_;
  RestartLimit restarts_;
  std::optional<std::string> wanted_detach_, detached_;
  std::mutex event_mutex_;
};

AttachedHook::~AttachedHook() {
  ending_ = true;
  const uint64_t one = 1;
  if (wake_ && ::write(wake_.get(), &one, sizeof(one)) < 0) ending_ = true;
  if (watcher_.joinable()) watcher_.join();
  if (programs_) programs_->detach();
  stop_workers(true);
}

Result<void> AttachedHook::start() {
  wake_ = File(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_) return system_error("eventfd", errno);
  VBPF_TRY(monitor_, LinkMonitor::open());
  joins_chain_ = has_dispatcher(device_);
  if (!joins_chain_) VBPF_CHECK(check_no_program(device_));
  VBPF_CHECK(bring_up());
  watcher_ = std::thread([this] { watch(); });
  return {};
}

// In a chain as the chain is; otherwise native where the driver can. What the driver said goes into the error when
// neither works.
Result<void> AttachedHook::bring_up() {
  if (joins_chain_) {
    if (options_.attach != AttachMode::generic) return bring_up_in(false);
    return Error{ErrorKind::bad_input,
                 device_.name + " has a libxdp dispatcher in native mode: load without --mode generic"};
  }
  if (options_.attach == AttachMode::generic) return bring_up_in(true);
  Result<void> native = bring_up_in(false);
  if (native || options_.attach == AttachMode::native) return native;
  if (native.error().kind == ErrorKind::refused || native.error().kind == ErrorKind::bad_input) return native;
  Result<void> generic = bring_up_in(true);
  if (!generic) return native;
  return {};
}

Result<void> AttachedHook::bring_up_in(bool generic) {
  workers_.clear();
  shared_group_.reset();
  programs_.reset();
  VBPF_TRY(Programs programs, Programs::load(device_, options_.frame_size, generic));
  programs_.emplace(std::move(programs));
  if (programs_->pass_mark() == 0 && packet_size(device_.mtu) > longest_live_packet) {
    return Error{ErrorKind::bad_input, "the MTU of " + device_.name + " is " + std::to_string(device_.mtu) + ", and " +
                                           (generic ? "in generic mode" : "on a kernel without tcx") +
                                           " it can be at most " +
                                           std::to_string(longest_live_packet - packet_size(0)) +
                                           ": lower it with `ip link set " + device_.name + " mtu N`"};
  }
  if (device_.queues > programs_->queues()) {
    return Error{ErrorKind::machine,
                 device_.name + " has " + std::to_string(device_.queues) + " receive queues, and vBPF serves at most " +
                     std::to_string(Programs::max_queues) + ": lower it with `ethtool -L " + device_.name + "`"};
  }
  if (extension_.concurrency() != VBPF_CONCURRENCY_PER_CPU) {
    shared_memories_.clear();
    for (uint32_t queue = 0; queue < programs_->queues(); ++queue) {
      VBPF_TRY(auto memory, QueueMemory::make(options_.frames, options_.frame_size, options_.batch));
      shared_memories_.push_back(std::move(memory));
    }
    std::vector<std::shared_ptr<SharedMemory>> memories;
    memories.reserve(shared_memories_.size());
    for (const QueueMemory& memory : shared_memories_) memories.push_back(memory.shared);
    VBPF_TRY(shared_group_, Group::make(extension_, {"xdp", options_.entry}, std::move(memories)));
  }
  for (uint32_t queue = 0; queue < device_.queues; ++queue) VBPF_CHECK(add_worker(queue));
  VBPF_CHECK(joins_chain_ ? programs_->join_chain(device_, options_.chain_record) : programs_->attach(device_));
  info_ = {device_.name,
           device_.ifindex,
           programs_->program_id(),
           !generic,
           workers_[0]->socket().zero_copy(),
           workers_[0]->socket().busy_poll(),
           joins_chain_,
           device_.queues,
           options_.frame_size,
           options_.frames,
           options_.entry};
  return {};
}

Result<void> AttachedHook::add_worker(uint32_t queue) {
  std::shared_ptr<Group> group = shared_group_;
  QueueMemory memory;
  if (group) {
    memory = shared_memories_[queue];
  } else {
    VBPF_TRY(memory, QueueMemory::make(options_.frames, options_.frame_size, options_.batch));
    VBPF_TRY(group, Group::make(extension_, {"xdp", options_.entry}, {memory.shared}));
  }
  VBPF_TRY(auto worker,
           Worker::make(device_, queue, options_, *programs_, group, shared_group_ ? queue : 0, memory, *this));
  VBPF_CHECK(worker->start());
  const std::lock_guard lock(mutex_);
  workers_.push_back(std::move(worker));
  return {};
}

// Only the watcher changes the list while it runs, and its owner before and after: reading it needs no lock here.
void AttachedHook::stop_workers(bool judge) {
  for (const auto& worker : workers_) worker->stop(judge);
  const std::lock_guard lock(mutex_);
  if (workers_.empty()) return;
  last_stats_.clear();
  for (const auto& worker : workers_) last_stats_.push_back(worker->stats());
  workers_.clear();
}

void AttachedHook::watch() {
  while (!ending_) {
    std::array<pollfd, 2> waits{{{monitor_.descriptor(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
    ::poll(waits.data(), waits.size(), detached() ? -1 : look_every_ms);
    uint64_t count = 0;
    if ((waits[1].revents & POLLIN) != 0 && ::read(wake_.get(), &count, sizeof(count)) < 0) count = 0;
    if (ending_) return;
    if ((waits[0].revents & POLLIN) != 0) look_at_link();
    if (!detached()) look_at_program();
    if (!detached()) look_at_queues();
    std::optional<std::string> wanted;
    {
      const std::lock_guard lock(mutex_);
      wanted = std::exchange(wanted_detach_, std::nullopt);
    }
    if (wanted && !detached()) detach_now(*wanted);
  }
}

void AttachedHook::look_at_link() {
  monitor_.read([this](const LinkChange& change) {
    if (change.ifindex != device_.ifindex) return;
    if (change.gone) return request_detach("the network device " + device_.name + " is gone");
    if (change.mtu != 0 && packet_size(change.mtu) + kernel_headroom > options_.frame_size) {
      return request_detach("the MTU of " + device_.name + " was changed to " + std::to_string(change.mtu) +
                            ", which frames of " + std::to_string(options_.frame_size) +
                            " bytes do not hold: load the extension again");
    }
    if (!change.name.empty()) device_.name = change.name;
  });
}

// A forced detaching of a link is not announced. A device on its way out loses its program a little before it goes:
// that is for look_at_link() to say, so only what stays so counts.
void AttachedHook::look_at_program() {
  using Clock = std::chrono::steady_clock;
  const std::optional<uint32_t> id = attached_program(device_.ifindex);
  if (!id || programs_->is_reached_from(*id)) {
    without_program_since_.reset();
  } else if (!without_program_since_) {
    without_program_since_ = Clock::now();
  } else if (Clock::now() - *without_program_since_ > std::chrono::milliseconds(look_every_ms)) {
    request_detach("the XDP program on " + device_.name + " was removed or replaced by someone else");
  }
}

void AttachedHook::look_at_queues() {
  const uint32_t queues = count_queues(device_.name);
  if (queues == 0) {
    // It may have been renamed a moment ago; the monitor will say.
    return;
  }
  if (queues > programs_->queues()) {
    return request_detach(device_.name + " now has " + std::to_string(queues) +
                          " receive queues, more than could be foreseen: load the extension again");
  }
  for (auto queue = static_cast<uint32_t>(workers_.size()); queue < queues; ++queue) {
    if (const Result<void> added = add_worker(queue); !added) {
      return request_detach(device_.name + " has a new receive queue " + std::to_string(queue) +
                            " that cannot be served: " + added.error().message);
    }
  }
  const bool more = queues > info_.queues;
  if (more) {
    if (const Result<void> attached = programs_->attach_again(); !attached)
      return request_detach(attached.error().message);
  }
  const std::lock_guard lock(mutex_);
  info_.queues = queues;
  info_.prog_id = programs_->program_id();
}

void AttachedHook::detach_now(const std::string& reason) {
  programs_->detach();
  stop_workers(false);
  programs_.reset();
  {
    const std::lock_guard lock(mutex_);
    detached_ = reason;
  }
  Event event;
  event.kind = Event::Kind::detached;
  event.time = std::chrono::system_clock::now();
  event.message = reason;
  report(event);
}

Info AttachedHook::info() const {
  const std::lock_guard lock(mutex_);
  return info_;
}

std::vector<QueueStats> AttachedHook::stats() const {
  const std::lock_guard lock(mutex_);
  if (workers_.empty()) return last_stats_;
  std::vector<QueueStats> all;
  all.reserve(workers_.size());
  for (const auto& worker : workers_) all.push_back(worker->stats());
  return all;
}

std::optional<std::string> AttachedHook::detached() const {
  const std::lock_guard lock(mutex_);
  return detached_;
}

void AttachedHook::report(const Event& event) {
  const std::lock_guard lock(event_mutex_);
  if (on_event_) on_event_(event);
}

void AttachedHook::request_detach(const std::string& reason) {
  {
    const std::lock_guard lock(mutex_);
    if (!wanted_detach_) wanted_detach_ = reason;
  }
  const uint64_t one = 1;
  if (::write(wake_.get(), &one, sizeof(one)) < 0) return;  // full: it wakes as well
}

}  // namespace

Result<std::unique_ptr<Hook>> Hook::attach(const Extension& extension, const Options& asked,
                                           std::function<void(const Event&)> on_event) {
  Options options = asked;
  VBPF_CHECK(check_options(options));
  VBPF_TRY(const size_t entry, choose_entry(extension.entries(), {"xdp", asked.entry}, extension.name()));
  options.entry = extension.entries()[entry].name;
  VBPF_TRY(Device device, find_device(options.device));
  VBPF_CHECK(choose_frame_size(device, options));
  auto hook = std::make_unique<AttachedHook>(extension, std::move(options), std::move(device), std::move(on_event));
  VBPF_CHECK(hook->start());
  return std::unique_ptr<Hook>(std::move(hook));
}

}  // namespace vbpf::xdp
