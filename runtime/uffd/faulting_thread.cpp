// SPDX-License-Identifier: Apache-2.0
#include "faulting_thread.h"

#include <sys/syscall.h>
#include <ucontext.h>

#include <array>
#include <atomic>
#include <bit>
#include <csignal>
#include <thread>

#include "handler_call.h"
#include "server.h"
#include "signals.h"
#include "thread.h"

namespace vbpf::uffd {
namespace {

class FaultingThreads final : public Pager, private Server {
 public:
  using Server::Server;
  ~FaultingThreads() override;

  Result<void> start();
  Info info() const override { return info_; }
  std::vector<Stats> stats() const override { return seat_stats(); }
  std::optional<std::string> detached() const override {
    const std::scoped_lock lock(mutex_);
    return detached_;
  }

  bool covers(uint64_t address) const;
  // False: it is not ours to answer.
  bool serve(uint64_t address, bool is_write);

 private:
  void end(std::string reason) override;
  bool stopping() const override { return stopping_; }
  Seat& take_seat(size_t& number);

  const pid_t owner_ = ::getpid();
  Info info_;
  std::vector<Range> mappings_;    // when it was attached
  std::atomic<uint64_t> free_{0};  // seats
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;  // of the string
  std::optional<std::string> detached_;
};

// Those that a signal may be for. Who visits one has counted itself, so that its destruction waits.
struct Place {
  std::atomic<FaultingThreads*> pager{nullptr};
  std::atomic<int> visitors{0};
};
std::array<Place, 64> places;

uint32_t this_thread() { return static_cast<uint32_t>(current_thread != nullptr ? current_thread->tid : ::gettid()); }

struct Question {
  uint64_t address;
  bool is_write, answered;
};

void answer(void* raw) {
  auto& question = *static_cast<Question*>(raw);
  for (Place& place : places) {
    if (place.pager.load(std::memory_order_relaxed) == nullptr) continue;
    ++place.visitors;
    FaultingThreads* const pager = place.pager.load();
    const bool ours = pager != nullptr && pager->covers(question.address);
    if (ours) question.answered = pager->serve(question.address, question.is_write);
    --place.visitors;
    if (ours) return;
  }
}

bool on_bus_error(const siginfo_t& info, ucontext_t& context) {
  constexpr uint64_t was_a_write = 2;  // of a page fault's error code
  Question question{reinterpret_cast<uint64_t>(info.si_addr),
                    (static_cast<uint64_t>(context.uc_mcontext.gregs[REG_ERR]) & was_a_write) != 0, false};
  return call_from_handler(context, answer, &question, sizeof(question)) && question.answered;
}

Result<void> FaultingThreads::start() {
  VBPF_TRY(mappings_, root_.target.ranges());
  for (const Range& mapping : mappings_) {
    if (mapping.write_protect || mapping.minor) {
      return Error{ErrorKind::refused,
                   "the memory is registered for more than missing pages, and a signal does not say which fault it is"};
    }
  }
  info_.entry = options_.entry;
  info_.pid = root_.target.pid();
  info_.descriptor = root_.target.number();
  info_.features = root_.target.features();
  info_.threads = options_.threads;
  VBPF_CHECK(make_seats());
  info_.registered = registered_;
  info_.page_size = page_size_;
  info_.source_size = source_size();
  free_ = options_.threads == 64 ? ~uint64_t{0} : (uint64_t{1} << options_.threads) - 1;
  VBPF_CHECK(install_signals());
  set_bus_error_hook(on_bus_error);
  for (Place& place : places) {
    FaultingThreads* none = nullptr;
    if (place.pager.compare_exchange_strong(none, this)) return {};
  }
  return Error{ErrorKind::machine, "a process has at most " + std::to_string(places.size()) + " such pagers"};
}

FaultingThreads::~FaultingThreads() {
  if (::getpid() != owner_) return;  // a copy in a fork, whose memory is plain: the descriptor is about the parent's
  stopping_ = true;
  for (Place& place : places) {
    FaultingThreads* self = this;
    if (!place.pager.compare_exchange_strong(self, nullptr)) continue;
    while (place.visitors != 0) std::this_thread::sleep_for(std::chrono::microseconds(100));
    if (!detached()) root_.target.hand_back(options_.on_exit);
  }
}

bool FaultingThreads::covers(uint64_t address) const {
  return std::ranges::any_of(mappings_, [&](const Range& one) { return address >= one.start && address < one.end; });
}

void FaultingThreads::end(std::string reason) {
  {
    const std::scoped_lock lock(mutex_);
    if (detached_) return;
    detached_ = reason;
  }
  stopping_ = true;
  root_.target.hand_back(options_.on_exit);
  Event event;
  event.kind = Event::Kind::detached;
  event.time = std::chrono::system_clock::now();
  event.message = std::move(reason);
  send(event);
}

Seat& FaultingThreads::take_seat(size_t& number) {
  for (uint64_t free = free_.load(std::memory_order_relaxed);;) {
    if (free == 0) {
      std::this_thread::yield();
      free = free_.load(std::memory_order_relaxed);
    } else if (free_.compare_exchange_weak(free, free & (free - 1), std::memory_order_acquire)) {
      number = static_cast<size_t>(std::countr_zero(free));
      return *seats_[number];
    }
  }
}

// A page that is there already, again and again: it is poisoned, and that is what the signal is about. (Not every
// kernel says so in the signal's code.)
bool is_poisoned(Done done, uint64_t page) {
  static thread_local uint64_t last = 0;
  static thread_local int times = 0;
  times = done == Done::gone && page == last ? times + 1 : 0;
  last = page;
  return times >= 3;
}

bool FaultingThreads::serve(uint64_t address, bool is_write) {
  const auto place = root_.ranges.find(address);
  if (!place) return false;
  if (stopping_) return options_.on_exit == OnExit::zero;  // not registered any more: tried again, there is a page
  const Fault fault{&root_,
                    address,
                    address & ~(place->mapping.page_size - 1),
                    *place,
                    is_write ? uint32_t{VBPF_UFFD_WRITE} : 0,
                    this_thread()};
  size_t number = 0;
  Seat& seat = take_seat(number);
  seat.counts.faults.add();
  Done done = Done::failed;
  uint64_t crashes = 0;
  // A fresh instance is asked again, as often as there may be one.
  do {
    crashes = seat.counts.crashes.get();
    done = handle(seat, fault);
  } while (done == Done::failed && !stopping_ && seat.counts.crashes.get() != crashes);
  if (done == Done::failed && !stopping_) seat.counts.passed.add();
  if (is_poisoned(done, fault.page)) done = Done::failed;
  free_.fetch_or(uint64_t{1} << number, std::memory_order_release);
  return done != Done::failed || (stopping_ && options_.on_exit == OnExit::zero);
}

}  // namespace

Result<std::unique_ptr<Pager>> attach_to_faulting_threads(const Extension& extension, Target target,
                                                          const Options& asked,
                                                          std::function<void(const Event&)> on_event) {
  VBPF_TRY(auto prepared, prepare(extension, asked));
  auto& [options, source] = prepared;
  auto pager = std::make_unique<FaultingThreads>(extension, std::move(target), std::move(options), std::move(source),
                                                 std::move(on_event));
  VBPF_CHECK(pager->start());
  return std::unique_ptr<Pager>(std::move(pager));
}

}  // namespace vbpf::uffd
