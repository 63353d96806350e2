// SPDX-License-Identifier: Apache-2.0
#include "resident_pager.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <atomic>
#include <numeric>
#include <thread>

#include "hook.h"
#include "record.h"
#include "resident.h"

namespace vbpf::uffd {
namespace {

// What happens in the kernel, told to this process: the kernel keeps the last of it, and wakes nobody.
class Listener {
 public:
  // `own`: a userfaultfd that nobody else reads, whose memory is plain once the extension has ended; or none.
  Listener(const kernel::Resident& resident, const Extension& extension, std::string entry, const PagerOptions& options,
           std::optional<Target> own)
      : resident_(resident),
        own_(std::move(own)),
        on_line_(extension.log()),
        on_event_(options.log),
        entry_(std::move(entry)),
        max_restarts_(options.max_restarts) {}
  Result<void> start() {
    if (!on_line_ && !on_event_ && !own_) return {};
    stop_ = File(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!stop_) return system_error("no event descriptor", errno);
    const SignalsElsewhere elsewhere;
    thread_ = std::thread([this] { run(); });
    return {};
  }
  // A copy in a fork has no such thread.
  void leave() { forget_thread(thread_); }
  ~Listener() {
    if (!thread_.joinable()) return;
    ::eventfd_write(stop_.get(), 1);
    thread_.join();
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  std::string too_many() const {
    return entry_ + " faulted more than " + std::to_string(max_restarts_) + " times within a minute";
  }

 private:
  void run() {
    constexpr int interval = 50;  // ms; the kernel keeps 128 lines, and takes 100 a second
    pollfd waiting{stop_.get(), POLLIN, 0};
    do tell();
    while (::poll(&waiting, 1, interval) <= 0);
    tell();
  }
  void tell() {
    const auto faults = kernel::faults_of(resident_.descriptor(), next_fault_);
    const auto lines = kernel::lines_of(resident_.descriptor(), next_line_);
    const Result<vbpf_info> info = resident_.info();
    kernel::in_order(
        faults, lines,
        [&](const vbpf_fault& fault) {
          left_out(fault.number - next_fault_, "faults");
          next_fault_ = fault.number + 1;
          say(entry_ + " faulted: " + reason_of(resident_.describe(fault)));
          if (info && restarts_ < info->restarts) restarted();  // the kernel counts them, and a fault comes before each
        },
        [&](const vbpf_log_line& line) {
          left_out(line.number - next_line_, "lines");
          next_line_ = line.number + 1;
          if (on_line_) on_line_(kernel::text_of(line));
        });
    if (!info) return;
    left_out(info->log_dropped - dropped_, "lines");
    dropped_ = info->log_dropped;
    while (restarts_ < info->restarts) restarted();
    if (info->state != VBPF_STATE_DETACHED || std::exchange(ended_, true)) return;
    if (own_) own_->hand_back(OnExit::zero);
    say(too_many());
  }
  void restarted() {
    ++restarts_;
    say(entry_ + " runs in a fresh instance");
  }
  void left_out(uint64_t count, const char* what) {
    if (count != 0) say(std::to_string(count) + " " + what + " were left out");
  }
  void say(const std::string& line) {
    if (on_event_) on_event_(line);
  }

  const kernel::Resident& resident_;
  const std::optional<Target> own_;
  const std::function<void(std::string_view)> on_line_, on_event_;
  const std::string entry_;
  const uint32_t max_restarts_;
  uint64_t next_fault_ = 1, next_line_ = 1, dropped_ = 0, restarts_ = 0;
  bool ended_ = false;
  File stop_;
  std::thread thread_;
};

// The extension goes with its descriptor, and the memory is plain when nobody has the userfaultfd any more.
class KernelPager final : public vbpf::Pager {
 public:
  KernelPager(kernel::Resident resident, const Extension& extension, std::string entry, const PagerOptions& options,
              std::optional<Target> own)
      : resident_(std::move(resident)), listener_(resident_, extension, std::move(entry), options, std::move(own)) {}
  ~KernelPager() override {
    if (::getpid() != owner_) listener_.leave();
  }
  KernelPager(const KernelPager&) = delete;
  KernelPager& operator=(const KernelPager&) = delete;
  Result<void> start() { return listener_.start(); }

  PagerPlace place() const override { return PagerPlace::kernel; }
  PagerStats stats() const override {
    PagerStats sum;
    const Result<vbpf_info> info = resident_.info();
    if (!info) return sum;
    sum.passed = info->userfault_verdicts[0];
    sum.faults = std::accumulate(std::begin(info->userfault_verdicts), std::end(info->userfault_verdicts), uint64_t{0});
    sum.answered = sum.faults - sum.passed;
    sum.prefetched = info->userfault_prefetched;
    sum.crashes = info->faults;
    return sum;
  }
  std::optional<std::string> ended() const override {
    const Result<vbpf_info> info = resident_.info();
    if (info && info->state == VBPF_STATE_DETACHED) return listener_.too_many();
    return std::nullopt;
  }

 private:
  const pid_t owner_ = ::getpid();
  kernel::Resident resident_;
  Listener listener_;  // has the userfaultfd if it is the pager's own
};

// The kernel knows extensions by names: one for each pager on the machine.
std::string unique_name(const std::string& of) {
  static std::atomic<uint64_t> count{0};
  return of.substr(0, 30) + "-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
}

}  // namespace

Result<std::unique_ptr<vbpf::Pager>> answer_in_kernel(const Extension& extension, const Target& target, bool is_own,
                                                      const PagerOptions& asked) {
  VBPF_TRY(const std::vector<Range> ranges, target.ranges());
  kernel::ResidentOptions options;
  options.name = unique_name(extension.name());
  options.budget = extension.budget();
  options.stack_size = extension.stack_size();
  options.heap_size = extension.heap_size();
  options.on_fault = VBPF_ON_FAULT_RESTART;
  options.max_restarts = asked.max_restarts;
  options.source = asked.source;
  options.fill_size = static_cast<uint32_t>(largest_page(ranges, VBPF_USERFAULT_PAGE_MAX));
  const std::span<const std::byte> object = extension.object();
  VBPF_TRY(kernel::Resident resident,
           kernel::Resident::load({object.begin(), object.end()}, extension.name(), options));
  VBPF_TRY(const size_t entry, choose_entry(resident.entries(), {"uffd", asked.entry}, extension.name()));
  VBPF_CHECK(resident.answer({target.descriptor(), ::getpid(), static_cast<uint32_t>(entry), asked.prefetch}));
  std::string name = resident.entries()[entry].name;
  std::optional<Target> own;
  if (is_own) {
    VBPF_TRY(own, target.duplicate());
  }
  auto pager = std::make_unique<KernelPager>(std::move(resident), extension, std::move(name), asked, std::move(own));
  VBPF_CHECK(pager->start());
  return std::unique_ptr<vbpf::Pager>(std::move(pager));
}

}  // namespace vbpf::uffd
