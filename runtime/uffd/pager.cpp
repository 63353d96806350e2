// SPDX-License-Identifier: Apache-2.0
#include "pager.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <deque>
#include <mutex>
#include <thread>

#include "backlog.h"
#include "children.h"
#include "server.h"

namespace vbpf::uffd {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int interrupt_signal = SIGURG;  // which programs have no use for

// One that reads. A round is to read and to handle what was read; the last of them may be one that reads no more.
struct Worker {
  std::thread thread;
  std::atomic<bool> in_round{false};
  std::atomic<uint64_t> rounds{0};
};

class Round {
 public:
  explicit Round(Worker& worker) : worker_(worker) { worker_.in_round = true; }
  ~Round() {
    ++worker_.rounds;
    worker_.in_round = false;
  }
  Round(const Round&) = delete;
  Round& operator=(const Round&) = delete;

 private:
  Worker& worker_;
};

class AttachedPager final : public Pager, private Server {
 public:
  using Server::Server;
  ~AttachedPager() override;

  Result<void> start();
  Info info() const override {
    Info now = info_;
    now.children = children_.count();
    return now;
  }
  std::vector<Stats> stats() const override { return seat_stats(); }
  std::optional<std::string> detached() const override {
    const std::scoped_lock lock(mutex_);
    return detached_;
  }

 private:
  void end(std::string reason) override;
  bool stopping() const override { return stopping_; }
  bool forks() const { return (root_.target.features() & UFFD_FEATURE_EVENT_FORK) != 0; }
  void watch();
  void wait_for_rounds();
  void stop_threads();
  void hand_back();
  void serve(size_t number, Worker& worker);
  void read_for_others(Worker& worker);
  bool sleep_while_held();
  bool wait(int source);
  size_t read(const Target& target, std::span<uffd_msg> messages);
  bool serve_root(Seat& seat);
  bool serve_children(Seat& seat);
  void take(Seat& seat, Space& space, const uffd_msg& message);
  void take_event(Seat& seat, Space& space, const uffd_msg& message);
  void serve_one(Seat& seat, const Fault& fault);
  void pass(Seat& seat, const Fault& fault);
  void take_unknown(Seat& seat, Child& child, uint64_t address);
  void pass_of_child(Seat& seat, Child& child, const Fault& fault, OnExit policy);

  Info info_;
  const pid_t owner_ = ::getpid();
  Children children_{options_};
  // Not null: one thread does nothing but read. That is needed where reading blocks, for then it cannot wait for
  // children too; and where it is this program itself that forks, for others may be waiting for the allocator then.
  std::unique_ptr<Backlog> backlog_;
  std::deque<Worker> workers_;  // the last one is that thread
  std::thread watcher_;
  std::atomic<bool> stopping_{false};
  std::atomic<size_t> serving_{0};
  std::atomic<int64_t> held_until_{0};  // steady clock, ns: nobody reads before
  File stop_;                           // readable once they are to end
  File ended_;                          // readable once `reason_` is set
  File changed_;                        // readable once the watcher has something to look after
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
  info_.pid = root_.target.pid();
  info_.descriptor = root_.target.number();
  info_.features = root_.target.features();
  info_.threads = options_.threads;
  info_.source_size = source_size();
  VBPF_CHECK(make_seats());
  info_.registered = registered_;
  info_.page_size = page_size_;
  stop_ = File(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  ended_ = File(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  changed_ = File(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop_ || !ended_ || !changed_) return system_error("no event descriptors", errno);
  if (forks()) {
    VBPF_CHECK(children_.start());
    if (root_.target.blocking() || root_.target.pid() == owner_) {
      backlog_ = std::make_unique<Backlog>();
      VBPF_CHECK(backlog_->start());
    }
  }
  if (root_.target.blocking()) handle_interrupts();
  serving_ = seats_.size() + (backlog_ ? 1 : 0);
  const SignalsElsewhere elsewhere;
  for (size_t i = 0; i < seats_.size(); ++i) {
    Worker& worker = workers_.emplace_back();
    worker.thread = std::thread([this, i, &worker] { serve(i, worker); });
  }
  if (backlog_) {
    Worker& worker = workers_.emplace_back();
    worker.thread = std::thread([this, &worker] { read_for_others(worker); });
  }
  watcher_ = std::thread([this] { watch(); });
  return {};
}

// Waits for the process and its children to end, or for one of the threads to give up; then it is over.
void AttachedPager::watch() {
  using namespace std::chrono_literals;
  constexpr auto until_asked_again = 20ms, until_swept = 200ms;
  auto asked = Clock::now(), swept = asked;
  pollfd waiting[] = {{stop_.get(), POLLIN, 0},
                      {ended_.get(), POLLIN, 0},
                      {changed_.get(), POLLIN, 0},
                      {root_.target.process(), POLLIN, 0}};
  std::string reason = "process " + std::to_string(root_.target.pid()) + " has ended";
  for (bool alive = true; alive || children_.count() != 0;) {
    const auto limit = children_.any_waiting() ? until_asked_again : children_.count() != 0 ? until_swept : -1ms;
    if (::poll(waiting, 4, static_cast<int>(limit.count())) < 0) continue;
    if ((waiting[0].revents & POLLIN) != 0) return;
    if ((waiting[1].revents & POLLIN) != 0) {
      const std::scoped_lock lock(mutex_);
      reason = reason_.value_or(reason);
      break;
    }
    if ((waiting[2].revents & POLLIN) != 0) {
      eventfd_t none = 0;
      ::eventfd_read(changed_.get(), &none);
    }
    if (alive && (waiting[3].revents & POLLIN) != 0) {
      alive = false;
      waiting[3].fd = -1;
      wait_for_rounds();  // a child may be among what was read
      children_.sweep();
    }
    const auto now = Clock::now();
    if (now - asked >= until_asked_again) children_.ask_again(), asked = now;
    if (now - swept >= until_swept) children_.sweep(), swept = now;
  }
  stop_threads();
  hand_back();
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

// Until what has been read by now has been handled.
void AttachedPager::wait_for_rounds() {
  const auto wait_for = [&](Worker& worker, bool blocks) {
    const uint64_t before = worker.rounds;
    while (worker.in_round && worker.rounds == before && !stopping_) {
      if (blocks) ::pthread_kill(worker.thread.native_handle(), interrupt_signal);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  };
  if (backlog_) {
    wait_for(workers_.back(), root_.target.blocking());
    while (!backlog_->empty() && !stopping_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  for (size_t i = 0; i < seats_.size(); ++i) wait_for(workers_[i], root_.target.blocking() && !backlog_);
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
  while (root_.target.blocking() && serving_ != 0) {
    for (Worker& worker : workers_) ::pthread_kill(worker.thread.native_handle(), interrupt_signal);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  for (Worker& worker : workers_) worker.thread.join();
  workers_.clear();
}

void AttachedPager::hand_back() {
  uffd_msg message;
  while (backlog_ && backlog_->pop(message)) {  // faults of these come again
    if (message.event != UFFD_EVENT_FORK) continue;
    static_cast<void>(children_.adopt(static_cast<int>(message.arg.fork.ufd), root_));
  }
  if (!root_.target.gone()) root_.target.hand_back(options_.on_exit);
  children_.hand_back();
}

AttachedPager::~AttachedPager() {
  if (::getpid() != owner_) {  // a copy in a fork: the threads, and the memory that would be handed back, are others'
    for (Worker& worker : workers_) forget_thread(worker.thread);
    forget_thread(watcher_);
    return;
  }
  if (stop_) ::eventfd_write(stop_.get(), 1);
  if (watcher_.joinable()) watcher_.join();
  if (workers_.empty()) return;
  stop_threads();
  hand_back();
}

// ---- Reading -------------------------------------------------------------------------------------------------------

// True: nobody reads the program's descriptor now, and it has slept; children have been waited for meanwhile.
bool AttachedPager::sleep_while_held() {
  const int64_t held = held_until_.load(std::memory_order_relaxed) - Clock::now().time_since_epoch().count();
  if (held <= 0) return false;
  const timespec limit{held / 1'000'000'000, held % 1'000'000'000};
  pollfd waiting{children_.poll_descriptor(), POLLIN, 0};
  ::ppoll(&waiting, 1, &limit, nullptr);
  return true;
}

// Until something may have come. False: it is time to end.
bool AttachedPager::wait(int source) {
  pollfd waiting[] = {{source, POLLIN, 0}, {stop_.get(), POLLIN, 0}, {children_.poll_descriptor(), POLLIN, 0}};
  ::poll(waiting, 3, -1);
  return !stopping_;
}

// How many came.
size_t AttachedPager::read(const Target& target, std::span<uffd_msg> messages) {
  const ssize_t size = ::read(target.descriptor(), messages.data(), messages.size_bytes());
  if (size > 0) return static_cast<size_t>(size) / sizeof(uffd_msg);
  if (size == 0 || errno == EAGAIN || errno == EINTR) return 0;
  if (errno == EMFILE || errno == ENFILE) {  // of a child that there is an event about, which stays
    if (!children_.make_room()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  } else if (!target.is_child()) {
    end(std::string("the descriptor cannot be read any more: ") + std::strerror(errno));
  }
  return 0;
}

bool AttachedPager::serve_root(Seat& seat) {
  uffd_msg messages[16];
  size_t count = 0;
  if (backlog_) {
    count = backlog_->pop(messages[0]) ? 1 : 0;
  } else {
    count = read(root_.target, messages);
  }
  for (size_t i = 0; i < count; ++i) take(seat, root_, messages[i]);
  return count != 0;
}

bool AttachedPager::serve_children(Seat& seat) {
  if (children_.count() == 0) return false;
  bool any = false;
  for (const auto& child : children_.ready()) {
    uffd_msg messages[16];
    const size_t count = read(child->target, messages);
    for (size_t i = 0; i < count; ++i) take(seat, *child, messages[i]);
    any |= count != 0;
  }
  return any;
}

void AttachedPager::serve(size_t number, Worker& worker) {
  Seat& seat = *seats_[number];
  const bool blocks = root_.target.blocking() && !backlog_;
  auto last = Clock::now();
  while (!stopping_) {
    bool any = false;
    {
      const Round round(worker);
      any = serve_children(seat);
      if (!backlog_ && sleep_while_held()) continue;
      any |= serve_root(seat);
    }
    if (any) last = Clock::now();
    if (any || blocks || Clock::now() - last < options_.spin) continue;
    if (!wait(backlog_ ? backlog_->poll_descriptor() : root_.target.descriptor())) break;
    last = Clock::now();
  }
  // What was read and not answered comes again when it is handed back.
  --serving_;
}

// Allocates nothing, and waits for no lock under which others do.
void AttachedPager::read_for_others(Worker& worker) {
  constexpr auto briefly = std::chrono::microseconds(100);
  auto last = Clock::now();
  while (!stopping_) {
    uffd_msg messages[16];
    size_t count = 0;
    {
      const Round round(worker);
      if (sleep_while_held()) continue;
      count = read(root_.target, messages);
      for (size_t i = 0; i < count; ++i) {
        while (!backlog_->push(messages[i]) && !stopping_) std::this_thread::sleep_for(briefly);
      }
    }
    if (root_.target.blocking()) {
      // What is passed is for another to read: not while it is being decided. Not for long: it may be that it cannot be
      // before the next message has been read.
      for (int i = 0; i < 20 && !stopping_ && !backlog_->empty(); ++i) std::this_thread::sleep_for(briefly);
      continue;
    }
    if (count != 0) last = Clock::now();
    if (count != 0 || Clock::now() - last < options_.spin) continue;
    pollfd waiting[] = {{root_.target.descriptor(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    ::poll(waiting, 2, -1);
    last = Clock::now();
  }
  --serving_;
}

void AttachedPager::take_event(Seat& seat, Space& space, const uffd_msg& message) {
  seat.counts.events.add();
  const bool is_child = space.target.is_child();
  if (message.event == UFFD_EVENT_FORK) {
    const Result<void> adopted = children_.adopt(static_cast<int>(message.arg.fork.ufd), space);
    if (!adopted) return report(Event::Kind::aborted, seat, adopted.error().message);
    ::eventfd_write(changed_.get(), 1);
    return;
  }
  if (message.event == UFFD_EVENT_REMAP) {
    space.ranges.moved(message.arg.remap.from, message.arg.remap.to, message.arg.remap.len);
    if (is_child) children_.changed(static_cast<Child&>(space));
    return;
  }
  if (message.event == UFFD_EVENT_UNMAP) {
    return space.ranges.unmapped(message.arg.remove.start, message.arg.remove.end);
  }
  space.ranges.changed();
}

void AttachedPager::take(Seat& seat, Space& space, const uffd_msg& message) {
  if (message.event != UFFD_EVENT_PAGEFAULT) return take_event(seat, space, message);
  seat.counts.faults.add();
  const uint64_t flags = message.arg.pagefault.flags, address = message.arg.pagefault.address;
  const auto place = space.ranges.find(address);
  if (!place && space.target.is_child()) return take_unknown(seat, static_cast<Child&>(space), address);
  if (!place) {
    seat.counts.late.add();
    return space.target.wake(address & ~uint64_t{4095}, 4096);
  }
  Fault fault{&space, address, address & ~(place->mapping.page_size - 1), *place, 0, 0};
  if ((flags & UFFD_PAGEFAULT_FLAG_WRITE) != 0) fault.access |= VBPF_UFFD_WRITE;
  if ((flags & UFFD_PAGEFAULT_FLAG_WP) != 0) fault.access |= VBPF_UFFD_WP;
  if ((flags & UFFD_PAGEFAULT_FLAG_MINOR) != 0) fault.access |= VBPF_UFFD_MINOR;
  if ((space.target.features() & UFFD_FEATURE_THREAD_ID) != 0) fault.thread = message.arg.pagefault.feat.ptid;
  serve_one(seat, fault);
}

// ---- Passing -------------------------------------------------------------------------------------------------------

void AttachedPager::serve_one(Seat& seat, const Fault& fault) {
  const Done done = handle(seat, fault);
  if (done == Done::failed && fault.space->target.is_child())
    return pass_of_child(seat, static_cast<Child&>(*fault.space), fault, options_.on_exit);
  if (done == Done::failed) return pass(seat, fault);
  if (done != Done::yes) fault.space->target.wake(fault.page, fault.page_size());
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
  root_.target.wake(fault.page, fault.page_size());
  const auto begin = Clock::now();
  std::this_thread::sleep_for(shortest);
  while (!stopping_ && Clock::now() - begin < longest) {
    const Result<uint64_t> pending = root_.target.pending();
    if (pending && *pending == 0) break;
    std::this_thread::sleep_for(shortest);
  }
  hold({});
}

// Nobody else has a child's descriptor, so what would become of the fault if nobody answered does so now.
void AttachedPager::pass_of_child(Seat& seat, Child& child, const Fault& fault, OnExit policy) {
  seat.counts.passed.add();
  Done done = Done::failed;
  if (policy == OnExit::zero) done = answer_plainly(seat, fault);
  if (policy == OnExit::poison && (fault.access & VBPF_UFFD_WP) == 0) done = poison(fault);
  if (done == Done::again || done == Done::gone) child.target.wake(fault.page, fault.page_size());
  if (done == Done::failed && children_.ask_again_later(child, fault)) ::eventfd_write(changed_.get(), 1);
}

// The child's parent registered memory, forked and ended before it could be asked about: nobody knows the page's
// number.
void AttachedPager::take_unknown(Seat& seat, Child& child, uint64_t address) {
  Fault fault{&child, address, address & ~uint64_t{4095}, {}, 0, 0};
  fault.place.mapping.start = fault.page;
  fault.place.mapping.end = fault.page + 4096;
  report(Event::Kind::aborted, seat,
         "a child of the process has touched memory that its parent registered just before it forked and ended");
  pass_of_child(seat, child, fault, options_.on_exit == OnExit::zero ? OnExit::zero : OnExit::poison);
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
