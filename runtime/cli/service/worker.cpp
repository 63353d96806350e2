// SPDX-License-Identifier: Apache-2.0
#include "worker.h"

#include <fmt/format.h>
#include <malloc.h>
#include <poll.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "channel.h"
#include "journal.h"

namespace vbpf::cli {
namespace {

const char* policy_name(xdp::OnFault policy) {
  if (policy == xdp::OnFault::restart) return "restart";
  return policy == xdp::OnFault::detach ? "detach" : "pass";
}

Json maps_json(const Extension& extension) {
  Json all = Json::array();
  for (const MapInfo& map : extension.maps()) all.push_back({{"name", map.name}, {"id", map.id}});
  return all;
}

Json queue_json(const xdp::QueueStats& queue) {
  Json verdicts = Json::object();
  for (size_t i = 0; i < queue.verdicts.size(); ++i) verdicts[verdict_name(i)] = queue.verdicts[i];
  return {{"packets", queue.packets},       {"bytes", queue.bytes},       {"verdicts", verdicts},
          {"faults", queue.faults},         {"restarts", queue.restarts}, {"pass_single", queue.pass_single},
          {"pass_batch", queue.pass_batch}, {"dropped", queue.dropped},   {"batches", queue.batches}};
}

xdp::QueueStats sum(const std::vector<xdp::QueueStats>& queues) {
  xdp::QueueStats total;
  for (const xdp::QueueStats& queue : queues) {
    total.packets += queue.packets;
    total.bytes += queue.bytes;
    for (size_t i = 0; i < total.verdicts.size(); ++i) total.verdicts[i] += queue.verdicts[i];
    total.faults += queue.faults;
    total.restarts += queue.restarts;
    total.pass_single += queue.pass_single;
    total.pass_batch += queue.pass_batch;
    total.dropped += queue.dropped;
    total.batches += queue.batches;
  }
  return total;
}

class Worker {
 public:
  Worker(const LoadRequest& request, const StateFolder& folder) : request_(request), folder_(folder) {}

  Result<void> start() {
    LoadOptions options = request_.load;
    options.log = [this](std::string_view line) { journal_.log(line); };
    VBPF_TRY(extension_, Extension::open(request_.file, std::move(options)));
    // Before attaching: what can fail without touching the device goes first.
    VBPF_TRY(listener_, folder_.listen());
    xdp::Options hook = request_.xdp;
    hook.chain_record = folder_.chain_record();
    VBPF_TRY(hook_, xdp::Hook::attach(*extension_, hook, [this](const xdp::Event& event) { journal_.event(event); }));
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
    const xdp::Info info = hook_->info();
    const auto detached = hook_->detached();
    Json entries = Json::array();
    for (const EntryInfo& entry : extension_->entries())
      entries.push_back({{"hook", printable(entry.hook)}, {"name", printable(entry.name)}});
    return {{"name", folder_.name()},
            {"engine", "user"},
            {"file", request_.file},
            {"state", detached ? "detached" : "attached"},
            {"detached_reason", detached ? Json(*detached) : Json(nullptr)},
            {"since", time_text(since_)},
            {"pid", ::getpid()},
            {"keeper_pid", ::getppid()},
            {"hook", "xdp"},
            {"device", info.device},
            {"ifindex", info.ifindex},
            {"prog_id", info.prog_id},
            {"mode", info.native ? "native" : "generic"},
            {"zero_copy", info.zero_copy},
            {"busy_poll", info.busy_poll},
            {"shared", info.shared},
            {"queues", info.queues},
            {"frames", info.frames},
            {"frame_size", info.frame_size},
            {"entry", info.entry},
            {"entries", entries},
            {"confinement", to_string(extension_->confinement())},
            {"confinement_reason", extension_->confinement_reason()},
            {"concurrency", concurrency_name(extension_->concurrency())},
            {"budget_ns", extension_->budget().count()},
            {"stack_size", extension_->stack_size()},
            {"heap_size", extension_->heap_size()},
            {"maps", maps_json(*extension_)},
            {"on_fault", policy_name(request_.xdp.on_fault)},
            {"max_restarts", request_.xdp.max_restarts},
            {"total", queue_json(sum(hook_->stats()))},
            {"faults", journal_.faults(registers)}};
  }

 private:
  Result<Json> answer(const Json& request) {
    const std::string verb = request.value("verb", "");
    if (verb == "show") return show(request.value("registers", false));
    if (verb == "stats") {
      const std::vector<xdp::QueueStats> queues = hook_->stats();
      Json all = Json::array();
      for (const xdp::QueueStats& queue : queues) all.push_back(queue_json(queue));
      return Json{{"name", folder_.name()},
                  {"device", request_.xdp.device},
                  {"state", hook_->detached() ? "detached" : "attached"},
                  {"total", queue_json(sum(queues))},
                  {"queues", all}};
    }
    if (verb == "log") return journal_.lines(request.value("from", uint64_t{0}));
    if (verb == "unload") {
      const Json last = show(false);
      hook_.reset();
      folder_.remove();
      done_ = true;
      return last;
    }
    return Error{ErrorKind::bad_input, "the worker knows no request " + printable(verb)};
  }

  const LoadRequest& request_;
  const StateFolder& folder_;
  Journal journal_;  // outlives the hook's threads
  std::optional<Extension> extension_;
  xdp::File listener_;
  std::unique_ptr<xdp::Hook> hook_;
  std::chrono::system_clock::time_point since_;
  bool done_ = false;
};

}  // namespace

int run_worker(const LoadRequest& request, const StateFolder& folder, xdp::File outcome) {
  sigset_t end;
  sigemptyset(&end);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&end, number);
  ::sigprocmask(SIG_BLOCK, &end, nullptr);
  const xdp::File signals(::signalfd(-1, &end, SFD_CLOEXEC));
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
