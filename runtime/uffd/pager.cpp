// SPDX-License-Identifier: Apache-2.0
#include "pager.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <mutex>
#include <thread>

#include "server.h"

namespace vbpf::uffd {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int interrupt_signal = SIGURG;  // which programs have no use for

class AttachedPager final : public Pager, private Server {
 public:
  using Server::Server;
  ~AttachedPager() override;

  Result<void> start();
  Info info() const override { return info_; }
  std::vector<Stats> stats() const override { return seat_stats(); }
  std::optional<std::string> detached() const override {
    const std::scoped_lock lock(mutex_);
    return detached_;
  }

 private:
  void end(std::string reason) override;
  bool stopping() const override { return stopping_; }
  void watch();
  void stop_threads();
  void serve(size_t number);
  bool wait();
  void take(Seat& seat, const uffd_msg& message);
  void serve_one(Seat& seat, const Fault& fault);
  void pass(Seat& seat, const Fault& fault);

  Info info_;
  std::vector<std::thread> threads_;
  std::thread watcher_;
  std::atomic<bool> stopping_{false};
  std::atomic<size_t> serving_{0};
  std::atomic<int64_t> held_until_{0};  // steady clock, ns: nobody reads before
  File stop_;                           // readable once they are to end
  File ended_;                          // readable once `reason_` is set
  mutable std::mutex mutex_;            // of the strings
  std::optional<std::string> detached_, reason_;
};

// ---- Starting and ending -------------------------------------------------------------------------------------------

// A signal that is ignored interrupts nothing.
void handle_interrupts() {
  struct sigaction now{};
  if (::sigaction(interrupt_signal, nullptr, &now) != 0 || (now.sa_flags & SA_SIGINFO) != 0) return;
  if (now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN) return;
  struct sigaction action{};
  action.sa_handler = [](int) {};
  ::sigaction(interrupt_signal, &action, nullptr);
}

Result<void> AttachedPager::start() {
  info_.entry = options_.entry;
  info_.pid = target_.pid();
  info_.descriptor = target_.number();
  info_.features = target_.features();
  info_.threads = options_.threads;
  info_.source_size = source_size();
  VBPF_CHECK(make_seats());
  info_.registered = registered_;
  info_.page_size = page_size_;
  stop_ = File(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  ended_ = File(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop_ || !ended_) return system_error("no event descriptors", errno);
  if (target_.blocking()) handle_interrupts();
  serving_ = seats_.size();
  const SignalsElsewhere elsewhere;
  for (size_t i = 0; i < seats_.size(); ++i) threads_.emplace_back([this, i] { serve(i); });
  watcher_ = std::thread([this] { watch(); });
  return {};
}

// Waits for the process to end, or for one of the threads to give up; then it is over.
void AttachedPager::watch() {
  pollfd waiting[] = {{stop_.get(), POLLIN, 0}, {ended_.get(), POLLIN, 0}, {target_.process(), POLLIN, 0}};
  while (::poll(waiting, 3, -1) < 0 && errno == EINTR) {
  }
  if ((waiting[0].revents & POLLIN) != 0) return;
  std::string reason = "process " + std::to_string(target_.pid()) + " has ended";
  {
    const std::scoped_lock lock(mutex_);
    if (reason_) reason = *reason_;
  }
  stop_threads();
  if (!target_.gone()) target_.hand_back(options_.on_exit);
  {
    const std::scoped_lock lock(mutex_);
    detached_ = reason;
  }
  Event event;
  event.kind = Event::Kind::detached;
  event.time = std::chrono::system_clock::now();
  event.message = reason;
  send(event);
}

void AttachedPager::end(std::string reason) {
  {
    const std::scoped_lock lock(mutex_);
    if (!reason_) reason_ = std::move(reason);
  }
  stopping_ = true;
  ::eventfd_write(ended_.get(), 1);
}

void AttachedPager::stop_threads() {
  stopping_ = true;
  ::eventfd_write(stop_.get(), 1);
  // Where reading blocks, poll() cannot be used: a signal ends the system call, if it has begun already.
  while (target_.blocking() && serving_ != 0) {
    for (std::thread& thread : threads_) ::pthread_kill(thread.native_handle(), interrupt_signal);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

AttachedPager::~AttachedPager() {
  if (stop_) ::eventfd_write(stop_.get(), 1);
  if (watcher_.joinable()) watcher_.join();
  const bool was_attached = !threads_.empty();
  if (was_attached) stop_threads();
  if (was_attached) target_.hand_back(options_.on_exit);
}

// ---- Reading -------------------------------------------------------------------------------------------------------

// Until something may have come. False: it is time to end.
bool AttachedPager::wait() {
  if (target_.blocking()) return !stopping_;
  pollfd waiting[] = {{target_.descriptor(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
  ::poll(waiting, 2, -1);
  return !stopping_;
}

void AttachedPager::serve(size_t number) {
  Seat& seat = *seats_[number];
  uffd_msg messages[16];
  auto last = Clock::now();
  while (!stopping_) {
    const int64_t held = held_until_.load(std::memory_order_relaxed) - Clock::now().time_since_epoch().count();
    if (held > 0) {
      std::this_thread::sleep_for(std::chrono::nanoseconds(held));
      continue;
    }
    const ssize_t size = ::read(target_.descriptor(), messages, sizeof(messages));
    if (size > 0) {
      for (size_t i = 0; i < static_cast<size_t>(size) / sizeof(uffd_msg); ++i) take(seat, messages[i]);
      last = Clock::now();
      continue;
    }
    if (size < 0 && errno != EAGAIN && errno != EINTR) {
      end(std::string("the descriptor cannot be read any more: ") + std::strerror(errno));
      break;
    }
    if (Clock::now() - last < options_.spin) continue;
    if (!wait()) break;
    last = Clock::now();
  }
  // What was read and not answered comes again when it is handed back.
  --serving_;
}

void AttachedPager::take(Seat& seat, const uffd_msg& message) {
  if (message.event != UFFD_EVENT_PAGEFAULT) {
    seat.counts.events.add();
    if (message.event == UFFD_EVENT_REMAP)
      return ranges_.moved(message.arg.remap.from, message.arg.remap.to, message.arg.remap.len);
    if (message.event == UFFD_EVENT_UNMAP) return ranges_.unmapped(message.arg.remove.start, message.arg.remove.end);
    if (message.event != UFFD_EVENT_FORK) return ranges_.changed();
    // The child's faults are not this extension's: without its descriptor, its missing pages are pages of zeros, and so
    // as a fork without UFFD_FEATURE_EVENT_FORK would have it.
    ::close(static_cast<int>(message.arg.fork.ufd));
    return report(Event::Kind::aborted, seat, "the process forked: the child's mappings are not served");
  }
  seat.counts.faults.add();
  const uint64_t flags = message.arg.pagefault.flags, address = message.arg.pagefault.address;
  const auto place = ranges_.find(address);
  if (!place) {
    seat.counts.late.add();
    return target_.wake(address & ~uint64_t{4095}, 4096);
  }
  Fault fault{address, address & ~(place->mapping.page_size - 1), *place, 0, 0};
  if ((flags & UFFD_PAGEFAULT_FLAG_WRITE) != 0) fault.access |= VBPF_UFFD_WRITE;
  if ((flags & UFFD_PAGEFAULT_FLAG_WP) != 0) fault.access |= VBPF_UFFD_WP;
  if ((flags & UFFD_PAGEFAULT_FLAG_MINOR) != 0) fault.access |= VBPF_UFFD_MINOR;
  if ((target_.features() & UFFD_FEATURE_THREAD_ID) != 0) fault.thread = message.arg.pagefault.feat.ptid;
  serve_one(seat, fault);
}

// ---- Passing -------------------------------------------------------------------------------------------------------

void AttachedPager::serve_one(Seat& seat, const Fault& fault) {
  const Done done = handle(seat, fault);
  if (done == Done::failed) return pass(seat, fault);
  if (done != Done::yes) target_.wake(fault.page, fault.page_size());
}

// The thread tries again, and its fault is new: whoever reads first gets it. So nobody here reads until somebody else
// had the time to.
void AttachedPager::pass(Seat& seat, const Fault& fault) {
  seat.counts.passed.add();
  constexpr Clock::duration shortest = std::chrono::microseconds(200), longest = std::chrono::milliseconds(20);
  const auto hold = [&](Clock::duration time) {
    held_until_.store((Clock::now() + time).time_since_epoch().count(), std::memory_order_relaxed);
  };
  hold(longest + shortest);
  target_.wake(fault.page, fault.page_size());
  const auto begin = Clock::now();
  std::this_thread::sleep_for(shortest);
  while (!stopping_ && Clock::now() - begin < longest) {
    const Result<uint64_t> pending = target_.pending();
    if (pending && *pending == 0) break;
    std::this_thread::sleep_for(shortest);
  }
  hold({});
}

}  // namespace

Result<std::unique_ptr<Pager>> Pager::attach(const Extension& extension, Target target, const Options& asked,
                                             std::function<void(const Event&)> on_event) {
  VBPF_TRY(auto prepared, prepare(extension, asked));
  auto& [options, source] = prepared;
  // Reading blocks in a descriptor without O_NONBLOCK, also when another thread has what must be read first.
  if (target.blocking()) options.threads = 1;
  auto pager = std::make_unique<AttachedPager>(extension, std::move(target), std::move(options), std::move(source),
                                               std::move(on_event));
  VBPF_CHECK(pager->start());
  return std::unique_ptr<Pager>(std::move(pager));
}

}  // namespace vbpf::uffd
