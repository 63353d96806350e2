// SPDX-License-Identifier: Apache-2.0
#include "pager.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <mutex>
#include <thread>

#include "counter.h"
#include "instances.h"
#include "poison.h"
#include "ranges.h"
#include "vbpf/uffd.h"

namespace vbpf::uffd {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t context_size = 4096;  // the part of a seat's memory before its buffers
constexpr uint32_t most_threads = Instance::max_threads;
constexpr int interrupt_signal = SIGURG;  // which programs have no use for

struct Counts {
  Counter faults, resolved, zeroed, continued, unprotected, poisoned, passed, prefetched, late, bytes, events, crashes,
      restarts;
  Stats get() const {
    return {faults.get(),   resolved.get(), zeroed.get(),     continued.get(), unprotected.get(),
            poisoned.get(), passed.get(),   prefetched.get(), late.get(),      bytes.get(),
            events.get(),   crashes.get(),  restarts.get()};
  }
};

struct Fault {  // that the kernel reported
  uint64_t address, page;
  Ranges::Place place;
  uint32_t access, thread;
  uint64_t page_size() const { return place.mapping.page_size; }
};

enum class Done { yes, again, gone, failed };

// What one thread asks an instance with. Its memory is shared by the two.
struct Seat {
  std::shared_ptr<Group> group;
  size_t member = 0;
  std::shared_ptr<SharedMemory> memory;
  std::shared_ptr<Running> running;
  uint64_t generation = 0;
  Counts counts;

  vbpf_uffd* context() const { return reinterpret_cast<vbpf_uffd*>(memory->bytes().data()); }
  std::span<std::byte> buffers() const { return memory->bytes().subspan(context_size); }
};

class AttachedPager final : public Pager {
 public:
  AttachedPager(const Extension& extension, Target target, Options options, File source,
                std::function<void(const Event&)> on_event)
      : extension_(extension),
        target_(std::move(target)),
        options_(std::move(options)),
        source_(std::move(source)),
        on_event_(std::move(on_event)),
        restarts_(options_.max_restarts),
        ranges_(target_) {}
  ~AttachedPager() override;

  Result<void> start();
  Info info() const override { return info_; }
  std::vector<Stats> stats() const override;
  std::optional<std::string> detached() const override {
    const std::scoped_lock lock(mutex_);
    return detached_;
  }

 private:
  Result<void> make_seats();
  void watch();
  void stop_threads();
  void serve(size_t number);
  bool wait();
  void take(Seat& seat, const uffd_msg& message);
  void handle(Seat& seat, const Fault& fault);
  int ask(Seat& seat, const Fault& fault, uint64_t index);
  void crashed(Seat& seat, const vbpf::Fault& fault);
  Done answer(Seat& seat, const Fault& fault, int verdict);
  Done fill(Seat& seat, const Fault& fault, int verdict);
  static std::optional<Fault> neighbour(const Fault& fault, int64_t distance);
  Done place(Seat& seat, const Fault& fault, uint64_t pages, uint64_t mode, int verdict);
  void pass(Seat& seat, const Fault& fault);
  void report(Event::Kind kind, const Seat& seat, std::string message, std::optional<vbpf::Fault> fault = {});
  void end(std::string reason);

  Extension extension_;
  Target target_;
  Options options_;
  File source_;
  std::function<void(const Event&)> on_event_;
  RestartLimit restarts_;
  Ranges ranges_;
  Info info_;
  std::vector<std::unique_ptr<Seat>> seats_;
  std::vector<std::thread> threads_;
  std::thread watcher_;
  std::atomic<bool> stopping_{false};
  std::atomic<size_t> serving_{0};
  std::atomic<int64_t> held_until_{0};  // steady clock, ns: nobody reads before
  File stop_;                           // readable once they are to end
  File ended_;                          // readable once `reason_` is set
  mutable std::mutex mutex_;            // of the strings
  std::mutex event_mutex_;
  std::optional<std::string> detached_, reason_;
};

// ---- Starting and ending -------------------------------------------------------------------------------------------

Result<void> AttachedPager::make_seats() {
  VBPF_TRY(std::tie(info_.registered, info_.page_size), ranges_.read());
  const uint64_t buffers = std::max<uint64_t>(info_.page_size, uint64_t{options_.prefetch + 1} * 4096);
  std::vector<std::shared_ptr<SharedMemory>> memories;
  for (uint32_t i = 0; i < options_.threads; ++i) {
    VBPF_TRY(auto memory, SharedMemory::make(context_size + buffers));
    memories.push_back(std::move(memory));
  }
  const EntryName entry{"uffd", options_.entry};
  const bool alone = extension_.concurrency() == VBPF_CONCURRENCY_PER_CPU;
  std::shared_ptr<Group> common;
  if (!alone) {
    VBPF_TRY(common, Group::make(extension_, entry, memories, source_.get()));
  }
  for (uint32_t i = 0; i < options_.threads; ++i) {
    auto seat = std::make_unique<Seat>();
    seat->group = common;
    seat->member = alone ? 0 : i;
    seat->memory = memories[i];
    if (alone) {
      VBPF_TRY(seat->group, Group::make(extension_, entry, {memories[i]}, source_.get()));
    }
    seats_.push_back(std::move(seat));
  }
  return {};
}

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
  struct stat status{};
  if (source_ && ::fstat(source_.get(), &status) == 0) info_.source_size = static_cast<uint64_t>(status.st_size);
  VBPF_CHECK(make_seats());
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
  const std::scoped_lock lock(event_mutex_);
  if (on_event_) on_event_(event);
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

std::vector<Stats> AttachedPager::stats() const {
  std::vector<Stats> all;
  all.reserve(seats_.size());
  for (const auto& seat : seats_) all.push_back(seat->counts.get());
  return all;
}

void AttachedPager::report(Event::Kind kind, const Seat& seat, std::string message, std::optional<vbpf::Fault> fault) {
  Event event;
  event.kind = kind;
  event.time = std::chrono::system_clock::now();
  for (size_t i = 0; i < seats_.size(); ++i) {
    if (seats_[i].get() == &seat) event.queue = static_cast<uint32_t>(i);
  }
  event.message = std::move(message);
  event.fault = std::move(fault);
  const std::scoped_lock lock(event_mutex_);
  if (on_event_) on_event_(event);
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
  handle(seat, fault);
}

// ---- Asking and answering ------------------------------------------------------------------------------------------

// What the extension says about a page; its buffer is the one with that index.
int AttachedPager::ask(Seat& seat, const Fault& fault, uint64_t index) {
  if (seat.running == nullptr || seat.generation != seat.group->generation())
    std::tie(seat.running, seat.generation) = seat.group->current();
  std::byte* const window = seat.running->windows[seat.member];
  vbpf_uffd* context = seat.context();
  context->address = fault.address;
  context->page = fault.page;
  context->range_start = fault.place.range_start;
  context->range_size = fault.place.range_size;
  context->page_size = fault.page_size();
  context->access = fault.access;
  context->thread = fault.thread;
  context->buffer = reinterpret_cast<uint8_t*>(window + context_size + index * fault.page_size());
  context->source = reinterpret_cast<const uint8_t*>(seat.running->source.data());
  context->source_size = seat.running->source.size();
  context->prefetch = 0;
  context->stride = 1;
  context->protect = 0;
  const Outcome outcome = seat.running->instance->call(seat.running->entry, {reinterpret_cast<uint64_t>(window)});
  if (!outcome.fault) return static_cast<int>(outcome.value);
  crashed(seat, *outcome.fault);
  return VBPF_UFFD_PASS;
}

void AttachedPager::crashed(Seat& seat, const vbpf::Fault& fault) {
  seat.counts.crashes.add();
  report(Event::Kind::fault, seat, options_.entry + " faulted: " + reason_of(fault), fault);
  if (options_.on_fault == OnFault::pass) return;
  if (options_.on_fault == OnFault::detach)
    return end(options_.entry + " faulted (" + reason_of(fault) + "), and the policy is to detach");
  if (seat.group->generation() != seat.generation) return;  // another thread has seen to it
  if (!restarts_.may_restart())
    return end(options_.entry + " faulted more than " + std::to_string(options_.max_restarts) +
               " times within a minute");
  const Result<bool> replaced = seat.group->replace(seat.generation);
  if (!replaced) return end("a fresh instance could not be made: " + replaced.error().message);
  if (!*replaced) return;
  seat.counts.restarts.add();
  report(Event::Kind::restart, seat, options_.entry + " runs in a fresh instance");
}

void AttachedPager::handle(Seat& seat, const Fault& fault) {
  const int verdict = ask(seat, fault, 0);
  switch (answer(seat, fault, verdict)) {
    case Done::yes:
      return;
    case Done::again:  // until the event has been read that changes the address space, its fault comes again
      return target_.wake(fault.page, fault.page_size());
    case Done::gone:
      seat.counts.late.add();
      return target_.wake(fault.page, fault.page_size());
    case Done::failed:
      ranges_.changed();  // it may have been for what is no longer so
      return pass(seat, fault);
  }
}

// An ioctl that the kernel may refuse because the address space is changing.
Done done_by(int result) {
  if (result == 0) return Done::yes;
  switch (errno) {
    case EAGAIN:
      return Done::again;
    case EEXIST:
    case ENOENT:
    case ESRCH:
      return Done::gone;
    default:
      return Done::failed;
  }
}

// Done::failed: it is no answer to this kind of fault, or the kernel did not take it.
Done AttachedPager::answer(Seat& seat, const Fault& fault, int verdict) {
  const bool protection = (fault.access & VBPF_UFFD_WP) != 0, minor = (fault.access & VBPF_UFFD_MINOR) != 0;
  const bool missing = !protection && !minor;
  const uffdio_range page{fault.page, fault.page_size()};
  Done done = Done::failed;
  if (missing && (verdict == VBPF_UFFD_RESOLVE || verdict == VBPF_UFFD_ZERO)) return fill(seat, fault, verdict);
  if (minor && verdict == VBPF_UFFD_CONTINUE) {
    uffdio_continue arguments{page, 0, 0};
    done = done_by(::ioctl(target_.descriptor(), UFFDIO_CONTINUE, &arguments));
    if (done == Done::yes) seat.counts.continued.add();
  } else if (protection && verdict == VBPF_UFFD_UNPROTECT) {
    uffdio_writeprotect arguments{page, 0};
    done = done_by(::ioctl(target_.descriptor(), UFFDIO_WRITEPROTECT, &arguments));
    if (done == Done::yes) seat.counts.unprotected.add();
  } else if (!protection && verdict == VBPF_UFFD_POISON) {
    uffdio_poison arguments{page, 0, 0};
    done = done_by(::ioctl(target_.descriptor(), UFFDIO_POISON, &arguments));
    if (done == Done::yes) seat.counts.poisoned.add();
  }
  return done;
}

// The page that lies so many pages from another, if it is in the range and was not asked for by anybody.
std::optional<Fault> AttachedPager::neighbour(const Fault& fault, int64_t distance) {
  const auto size = static_cast<int64_t>(fault.page_size());
  const auto before = static_cast<int64_t>(fault.page - fault.place.mapping.start) / size;
  const auto behind = static_cast<int64_t>(fault.place.mapping.end - fault.page) / size - 1;
  if (distance == 0 || distance < -before || distance > behind) return std::nullopt;
  Fault next = fault;
  next.address = next.page = fault.page + static_cast<uint64_t>(distance * size);
  next.access = VBPF_UFFD_PREFETCH;
  next.thread = 0;
  return next;
}

// The extension is asked about each page that it wanted besides the fault's own. Those right behind it with the same
// answer are mapped with it, at once; others after it, one by one.
Done AttachedPager::fill(Seat& seat, const Fault& fault, int verdict) {
  const uint64_t size = fault.page_size();
  const uint64_t mode =
      __atomic_load_n(&seat.context()->protect, __ATOMIC_RELAXED) != 0 ? uint64_t{UFFDIO_COPY_MODE_WP} : 0;
  const int64_t stride = __atomic_load_n(&seat.context()->stride, __ATOMIC_RELAXED);
  const uint32_t wanted = std::min(__atomic_load_n(&seat.context()->prefetch, __ATOMIC_RELAXED), options_.prefetch);
  const uint64_t generation = seat.generation;
  const auto answer_for = [&](const Fault& next, uint64_t index) {
    const int said = ask(seat, next, index);
    return seat.group->generation() == generation && !stopping_ ? said : int{VBPF_UFFD_PASS};
  };
  uint64_t pages = 1;
  if (stride == 1) {
    for (; pages <= wanted && pages < seat.buffers().size() / size; ++pages) {
      const auto next = neighbour(fault, static_cast<int64_t>(pages));
      if (!next || answer_for(*next, pages) != verdict) break;
    }
  }
  const Done done = place(seat, fault, pages, mode, verdict);
  if (done != Done::yes) return done;
  (verdict == VBPF_UFFD_ZERO ? seat.counts.zeroed : seat.counts.resolved).add();
  seat.counts.prefetched.add(pages - 1);
  if (stride == 1) return done;
  for (uint32_t i = 1; i <= wanted; ++i) {
    const auto next = neighbour(fault, stride * i);
    if (!next) break;
    const int said = answer_for(*next, 0);
    if (said != VBPF_UFFD_RESOLVE && said != VBPF_UFFD_ZERO) break;
    if (place(seat, *next, 1, mode, said) == Done::yes) seat.counts.prefetched.add();
  }
  return done;
}

// Maps pages from the fault's own on. The result is that of the first one, for which somebody waits; of others, those
// that are there already are left as they are.
Done AttachedPager::place(Seat& seat, const Fault& fault, uint64_t pages, uint64_t mode, int verdict) {
  const uint64_t size = fault.page_size(), whole = pages * size;
  // There is no ioctl for a huge page of zeros, and none for zeros that are protected.
  const bool zeros = verdict == VBPF_UFFD_ZERO && size == 4096 && mode == 0;
  if (verdict == VBPF_UFFD_ZERO && !zeros) std::ranges::fill(seat.buffers().first(whole), std::byte{0});
  const auto from = reinterpret_cast<uint64_t>(seat.buffers().data());
  uint64_t at = 0;
  while (at < whole) {
    int64_t mapped = 0;
    int result = 0;
    if (zeros) {
      uffdio_zeropage arguments{{fault.page + at, whole - at}, 0, 0};
      result = ::ioctl(target_.descriptor(), UFFDIO_ZEROPAGE, &arguments);
      mapped = arguments.zeropage;
    } else {
      uffdio_copy arguments{fault.page + at, from + at, whole - at, mode, 0};
      result = ::ioctl(target_.descriptor(), UFFDIO_COPY, &arguments);
      mapped = arguments.copy;
    }
    if (result == 0) mapped = static_cast<int64_t>(whole - at);
    if (mapped > 0) {
      seat.counts.bytes.add(static_cast<uint64_t>(mapped));
      at += static_cast<uint64_t>(mapped);
      continue;
    }
    if (at == 0) return done_by(-1);
    if (errno != EEXIST) break;
    at += size;
  }
  return Done::yes;
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
  Options options = asked;
  if (options.threads == 0 || options.threads > most_threads)
    return Error{ErrorKind::bad_input, "threads: 1 to " + std::to_string(most_threads)};
  if (options.prefetch > 1024) return Error{ErrorKind::bad_input, "prefetch: at most 1024 pages"};
  // Reading blocks in a descriptor without O_NONBLOCK, also when another thread has what must be read first.
  if (target.blocking()) options.threads = 1;
  VBPF_TRY(const size_t entry, choose_entry(extension.entries(), {"uffd", options.entry}, extension.name()));
  options.entry = extension.entries()[entry].name;
  VBPF_TRY(File source, open_source(options.source));
  auto pager = std::make_unique<AttachedPager>(extension, std::move(target), std::move(options), std::move(source),
                                               std::move(on_event));
  VBPF_CHECK(pager->start());
  return std::unique_ptr<Pager>(std::move(pager));
}

}  // namespace vbpf::uffd
