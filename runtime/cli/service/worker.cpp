// SPDX-License-Identifier: Apache-2.0
#include "worker.h"

#include <fmt/format.h>
#include <malloc.h>
#include <poll.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "attached.h"
#include "channel.h"
#include "journal.h"

namespace vbpf::cli {
namespace {

const char* policy_name(OnFault policy) {
  if (policy == OnFault::restart) return "restart";
  return policy == OnFault::detach ? "detach" : "pass";
}

Json maps_json(const Extension& extension) {
  Json all = Json::array();
  for (const MapInfo& map : extension.maps()) all.push_back({{"name", map.name}, {"id", map.id}});
  return all;
}

class Worker {
 public:
  Worker(const LoadRequest& request, const StateFolder& folder)
      : request_(request), folder_(folder), journal_(request.target ? "thread" : "queue") {}

  Result<void> start() {
    LoadOptions options = request_.load;
    options.log = [this](std::string_view line) { journal_.log(line); };
    VBPF_TRY(extension_, Extension::open(request_.file, std::move(options)));
    // Before attaching: what can fail without touching the device goes first.
    VBPF_TRY(listener_, folder_.listen());
    VBPF_TRY(attached_, attach(request_, *extension_, folder_.chain_record(),
                               [this](const Event& event) { journal_.event(event); }));
    since_ = std::chrono::system_clock::now();
    ::malloc_trim(0);  // what reading and verifying needed
    return {};
  }

  // Until it is told to end.
  void serve(int signals) {
    while (!done_) {
      pollfd waiting[] = {{signals, POLLIN, 0}, {listener_.get(), POLLIN, 0}};
      if (::poll(waiting, 2, -1) < 0 && errno != EINTR) return;
      if ((waiting[0].revents & POLLIN) != 0) return;
      if ((waiting[1].revents & POLLIN) != 0)
        serve_one(listener_.get(), [this](const Json& request) { return answer(request); });
    }
  }

  Json show(bool registers) const {
    const auto detached = attached_->detached();
    Json entries = Json::array();
    for (const EntryInfo& entry : extension_->entries())
      entries.push_back({{"hook", printable(entry.hook)}, {"name", printable(entry.name)}});
    Json shown{{"name", folder_.name()},
               {"engine", "user"},
               {"file", request_.file},
               {"state", detached ? "detached" : "attached"},
               {"detached_reason", detached ? Json(*detached) : Json(nullptr)},
               {"since", time_text(since_)},
               {"pid", ::getpid()},
               {"keeper_pid", ::getppid()}};
    shown.update(attached_->show());
    shown.update({{"entries", entries},
                  {"confinement", to_string(extension_->confinement())},
                  {"confinement_reason", extension_->confinement_reason()},
                  {"concurrency", concurrency_name(extension_->concurrency())},
                  {"budget_ns", extension_->budget().count()},
                  {"stack_size", extension_->stack_size()},
                  {"heap_size", extension_->heap_size()},
                  {"maps", maps_json(*extension_)},
                  {"on_fault", policy_name(request_.on_fault())},
                  {"max_restarts", request_.max_restarts()},
                  {"total", attached_->total()},
                  {"faults", journal_.faults(registers)}});
    return shown;
  }

 private:
  Result<Json> answer(const Json& request) {
    const std::string verb = request.value("verb", "");
    if (verb == "show") return show(request.value("registers", false));
    if (verb == "stats") {
      Json stats{{"name", folder_.name()}};
      stats.update(attached_->place());
      stats.update({{"state", attached_->detached() ? "detached" : "attached"},
                    {"total", attached_->total()},
                    {std::string(attached_->part()) + "s", attached_->parts()}});
      return stats;
    }
    if (verb == "log") return journal_.lines(request.value("from", uint64_t{0}));
    if (verb == "unload") {
      const Json last = show(false);
      attached_.reset();
      folder_.remove();
      done_ = true;
      return last;
    }
    return Error{ErrorKind::bad_input, "the worker knows no request " + printable(verb)};
  }

  const LoadRequest& request_;
  const StateFolder& folder_;
  Journal journal_;  // outlives the threads of what it is attached to
  std::optional<Extension> extension_;
  File listener_;
  std::unique_ptr<Attached> attached_;
  std::chrono::system_clock::time_point since_;
  bool done_ = false;
};

}  // namespace

int run_worker(const LoadRequest& request, const StateFolder& folder, File outcome) {
  sigset_t end;
  sigemptyset(&end);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&end, number);
  ::sigprocmask(SIG_BLOCK, &end, nullptr);
  const File signals(::signalfd(-1, &end, SFD_CLOEXEC));
  Worker worker(request, folder);
  const Result<void> started = worker.start();
  if (!started) {
    folder.remove();  // first, so that a second try finds nothing in its way
    write_line(outcome.get(), error_json(started.error()));
    return exit_status(started.error().kind);
  }
  // Whoever loaded it must have heard of it: after Ctrl-C nothing stays attached.
  char confirmed = 0;
  if (write_line(outcome.get(), {{"ok", worker.show(false)}}) && ::read(outcome.get(), &confirmed, 1) == 1) {
    outcome.close();
    worker.serve(signals.get());
  }
  return exit_ok;
}

}  // namespace vbpf::cli
