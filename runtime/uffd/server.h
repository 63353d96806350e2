// SPDX-License-Identifier: Apache-2.0
// What every way of serving faults in this process has: instances with memory of their own to ask, and doing with a
// userfaultfd's ioctls what they answer. Who asks, and when, is pager.cpp's and faulting_thread.cpp's.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "counter.h"
#include "instances.h"
#include "pager.h"
#include "ranges.h"
#include "vbpf/uffd.h"

namespace vbpf::uffd {

struct Counts {
  Counter faults, resolved, zeroed, continued, unprotected, poisoned, passed, prefetched, late, bytes, events, crashes,
      restarts;
  Stats get() const;
};

// An address space whose faults are answered.
struct Space {
  explicit Space(Target whose) : target(std::move(whose)), ranges(target) {}
  Space(Target child, Space& parent) : target(std::move(child)), ranges(target, parent.ranges) {}
  Space(const Space&) = delete;
  Space& operator=(const Space&) = delete;

  Target target;
  Ranges ranges;
};

struct Fault {  // that the kernel reported
  Space* space;
  uint64_t address, page;
  Ranges::Place place;
  uint32_t access, thread;
  uint64_t page_size() const { return place.mapping.page_size; }
};

enum class Done {
  yes,
  again,   // the address space is changing: until the event has been read, the fault comes again
  gone,    // there is a page already, or no mapping any more
  failed,  // it has no answer, or one that is none to such a fault: the program's own affair
};

// What one thread at a time asks an instance with. Its memory is shared by the two.
struct Seat {
  std::shared_ptr<Group> group;
  size_t member = 0;
  std::shared_ptr<SharedMemory> memory;
  std::shared_ptr<Running> running;
  uint64_t generation = 0;
  Counts counts;

  static constexpr size_t context_size = 4096;  // the part before its buffers
  vbpf_uffd* context() const { return reinterpret_cast<vbpf_uffd*>(memory->bytes().data()); }
  std::span<std::byte> buffers() const { return memory->bytes().subspan(context_size); }
};

class Server {
 public:
  Server(const Extension& extension, Target target, Options options, File source,
         std::function<void(const Event&)> on_event)
      : extension_(extension),
        root_(std::move(target)),
        options_(std::move(options)),
        source_(std::move(source)),
        on_event_(std::move(on_event)),
        restarts_(options_.max_restarts) {}
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::vector<Stats> seat_stats() const;
  uint64_t source_size() const;  // bytes

 protected:
  ~Server() = default;
  // It is over, and why. Called by a thread that serves; nobody is asked any more once stopping() says so.
  virtual void end(std::string reason) = 0;
  virtual bool stopping() const = 0;

  Result<void> make_seats();
  // Asks, and does what was answered.
  Done handle(Seat& seat, const Fault& fault);
  // A page of zeros, minor faults continued, writes let through: as if it were not registered.
  Done answer_plainly(Seat& seat, const Fault& fault);
  Done poison(const Fault& fault);
  void report(Event::Kind kind, const Seat& seat, std::string message, std::optional<vbpf::Fault> fault = {});
  void send(const Event& event);

  Extension extension_;
  Space root_;  // what it was attached to; a program that forks has more
  Options options_;
  File source_;
  std::function<void(const Event&)> on_event_;
  RestartLimit restarts_;
  uint64_t registered_ = 0, page_size_ = 0;  // bytes, and the largest page, when it was attached
  std::vector<std::unique_ptr<Seat>> seats_;

 private:
  int ask(Seat& seat, const Fault& fault, uint64_t index);
  void crashed(Seat& seat, const vbpf::Fault& fault);
  Done answer(Seat& seat, const Fault& fault, int verdict);
  Done fill(Seat& seat, const Fault& fault, int verdict);
  static std::optional<Fault> neighbour(const Fault& fault, int64_t distance);
  Done place(Seat& seat, const Fault& fault, uint64_t pages, uint64_t mode, int verdict);

  std::mutex event_mutex_;
};

// The options with the entry's name in full, and the file that they name.
Result<std::pair<Options, File>> prepare(const Extension& extension, const Options& asked);

}  // namespace vbpf::uffd
