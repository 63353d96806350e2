// SPDX-License-Identifier: Apache-2.0
#include "server.h"

#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>

#include "poison.h"

namespace vbpf::uffd {

Stats Counts::get() const {
  return {faults.get(),   resolved.get(), zeroed.get(),     continued.get(), unprotected.get(),
          poisoned.get(), passed.get(),   prefetched.get(), late.get(),      bytes.get(),
          events.get(),   crashes.get(),  restarts.get()};
}

Result<void> Server::make_seats() {
  VBPF_TRY(std::tie(registered_, page_size_), root_.ranges.read());
  const uint64_t buffers = std::max<uint64_t>(page_size_, uint64_t{options_.prefetch + 1} * 4096);
  std::vector<std::shared_ptr<SharedMemory>> memories;
  for (uint32_t i = 0; i < options_.threads; ++i) {
    VBPF_TRY(auto memory, SharedMemory::make(Seat::context_size + buffers));
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

void Server::report(Event::Kind kind, const Seat& seat, std::string message, std::optional<vbpf::Fault> fault) {
  Event event;
  event.kind = kind;
  event.time = std::chrono::system_clock::now();
  for (size_t i = 0; i < seats_.size(); ++i) {
    if (seats_[i].get() == &seat) event.queue = static_cast<uint32_t>(i);
  }
  event.message = std::move(message);
  event.fault = std::move(fault);
  send(event);
}

void Server::send(const Event& event) {
  const std::scoped_lock lock(event_mutex_);
  if (on_event_) on_event_(event);
}

std::vector<Stats> Server::seat_stats() const {
  std::vector<Stats> all;
  all.reserve(seats_.size());
  for (const auto& seat : seats_) all.push_back(seat->counts.get());
  return all;
}

// ---- Asking and answering ------------------------------------------------------------------------------------------

// What the extension says about a page; its buffer is the one with that index.
int Server::ask(Seat& seat, const Fault& fault, uint64_t index) {
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
  context->buffer = reinterpret_cast<uint8_t*>(window + Seat::context_size + index * fault.page_size());
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

void Server::crashed(Seat& seat, const vbpf::Fault& fault) {
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

Done Server::handle(Seat& seat, const Fault& fault) {
  const int verdict = ask(seat, fault, 0);
  const Done done = answer(seat, fault, verdict);
  if (done == Done::gone) seat.counts.late.add();
  if (done == Done::failed) fault.space->ranges.changed();  // it may have been for what is no longer so
  return done;
}

// An ioctl that the kernel may refuse because the address space is changing.
static Done done_by(int result) {
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

static Done continue_with_cache(const Fault& fault) {
  uffdio_continue arguments{{fault.page, fault.page_size()}, 0, 0};
  return done_by(::ioctl(fault.space->target.descriptor(), UFFDIO_CONTINUE, &arguments));
}

static Done unprotect(const Fault& fault) {
  uffdio_writeprotect arguments{{fault.page, fault.page_size()}, 0};
  return done_by(::ioctl(fault.space->target.descriptor(), UFFDIO_WRITEPROTECT, &arguments));
}

// Done::failed: it is no answer to this kind of fault, or the kernel did not take it.
Done Server::answer(Seat& seat, const Fault& fault, int verdict) {
  const bool protection = (fault.access & VBPF_UFFD_WP) != 0, minor = (fault.access & VBPF_UFFD_MINOR) != 0;
  const bool missing = !protection && !minor;
  Done done = Done::failed;
  if (missing && (verdict == VBPF_UFFD_RESOLVE || verdict == VBPF_UFFD_ZERO)) return fill(seat, fault, verdict);
  if (minor && verdict == VBPF_UFFD_CONTINUE) {
    done = continue_with_cache(fault);
    if (done == Done::yes) seat.counts.continued.add();
  } else if (protection && verdict == VBPF_UFFD_UNPROTECT) {
    done = unprotect(fault);
    if (done == Done::yes) seat.counts.unprotected.add();
  } else if (!protection && verdict == VBPF_UFFD_POISON) {
    done = poison(fault);
    if (done == Done::yes) seat.counts.poisoned.add();
  }
  return done;
}

Done Server::poison(const Fault& fault) {
  uffdio_poison arguments{{fault.page, fault.page_size()}, 0, 0};
  return done_by(::ioctl(fault.space->target.descriptor(), UFFDIO_POISON, &arguments));
}

Done Server::answer_plainly(Seat& seat, const Fault& fault) {
  if ((fault.access & VBPF_UFFD_WP) != 0) return unprotect(fault);
  if ((fault.access & VBPF_UFFD_MINOR) != 0) return continue_with_cache(fault);
  return place(seat, fault, 1, 0, VBPF_UFFD_ZERO);
}

// The page that lies so many pages from another, if it is in the range and was not asked for by anybody.
std::optional<Fault> Server::neighbour(const Fault& fault, int64_t distance) {
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
Done Server::fill(Seat& seat, const Fault& fault, int verdict) {
  const uint64_t size = fault.page_size();
  const uint64_t mode =
      __atomic_load_n(&seat.context()->protect, __ATOMIC_RELAXED) != 0 ? uint64_t{UFFDIO_COPY_MODE_WP} : 0;
  const int64_t stride = __atomic_load_n(&seat.context()->stride, __ATOMIC_RELAXED);
  const uint32_t wanted = std::min(__atomic_load_n(&seat.context()->prefetch, __ATOMIC_RELAXED), options_.prefetch);
  const uint64_t generation = seat.generation;
  const auto answer_for = [&](const Fault& next, uint64_t index) {
    const int said = ask(seat, next, index);
    return seat.group->generation() == generation && !stopping() ? said : int{VBPF_UFFD_PASS};
  };
  uint64_t pages = 1;
  if (stride == 1) {
    for (; pages <= wanted && pages < seat.buffers().size() / size; ++pages) {
      const auto next = neighbour(fault, static_cast<int64_t>(pages));
      if (!next || answer_for(*next, pages) != verdict) break;
    }
  }
  Done done = place(seat, fault, pages, mode, verdict);
  if (done == Done::gone && pages > 1) {  // the mapping may be smaller than it was
    fault.space->ranges.changed();
    pages = 1;
    done = place(seat, fault, pages, mode, verdict);
  }
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
Done Server::place(Seat& seat, const Fault& fault, uint64_t pages, uint64_t mode, int verdict) {
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
      result = ::ioctl(fault.space->target.descriptor(), UFFDIO_ZEROPAGE, &arguments);
      mapped = arguments.zeropage;
    } else {
      uffdio_copy arguments{fault.page + at, from + at, whole - at, mode, 0};
      result = ::ioctl(fault.space->target.descriptor(), UFFDIO_COPY, &arguments);
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

uint64_t Server::source_size() const {
  struct stat status{};
  return source_ && ::fstat(source_.get(), &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
}

Result<std::pair<Options, File>> prepare(const Extension& extension, const Options& asked) {
  Options options = asked;
  if (options.threads == 0 || options.threads > Instance::max_threads)
    return Error{ErrorKind::bad_input, "threads: 1 to " + std::to_string(Instance::max_threads)};
  if (options.prefetch > 1024) return Error{ErrorKind::bad_input, "prefetch: at most 1024 pages"};
  VBPF_TRY(const size_t entry, choose_entry(extension.entries(), {"uffd", options.entry}, extension.name()));
  options.entry = extension.entries()[entry].name;
  VBPF_TRY(File source, open_source(options.source));
  return std::pair(std::move(options), std::move(source));
}

}  // namespace vbpf::uffd
