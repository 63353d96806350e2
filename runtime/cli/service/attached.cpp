// SPDX-License-Identifier: Apache-2.0
#include "attached.h"

namespace vbpf::cli {
namespace {

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

class OnDevice final : public Attached {
 public:
  explicit OnDevice(std::unique_ptr<xdp::Hook> hook) : hook_(std::move(hook)) {}

  Json place() const override { return {{"hook", "xdp"}, {"device", hook_->info().device}}; }
  Json show() const override {
    const xdp::Info info = hook_->info();
    return {{"hook", "xdp"},
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
            {"entry", info.entry}};
  }
  Json total() const override { return queue_json(sum(hook_->stats())); }
  Json parts() const override {
    Json all = Json::array();
    for (const xdp::QueueStats& queue : hook_->stats()) all.push_back(queue_json(queue));
    return all;
  }
  const char* part() const override { return "queue"; }
  std::optional<std::string> detached() const override { return hook_->detached(); }

 private:
  std::unique_ptr<xdp::Hook> hook_;
};

Json thread_json(const uffd::Stats& stats) {
  return {{"page_faults", stats.faults},
          {"resolved", stats.resolved},
          {"zeroed", stats.zeroed},
          {"continued", stats.continued},
          {"unprotected", stats.unprotected},
          {"poisoned", stats.poisoned},
          {"passed", stats.passed},
          {"prefetched", stats.prefetched},
          {"late", stats.late},
          {"events", stats.events},
          {"bytes", stats.bytes},
          {"faults", stats.crashes},
          {"restarts", stats.restarts}};
}

const char* exit_name(uffd::OnExit policy) {
  if (policy == uffd::OnExit::wait) return "wait";
  return policy == uffd::OnExit::zero ? "zero" : "poison";
}

class OnProcess final : public Attached {
 public:
  OnProcess(std::unique_ptr<uffd::Pager> pager, const uffd::Options& options)
      : pager_(std::move(pager)), options_(options) {}

  Json place() const override {
    const uffd::Info info = pager_->info();
    return {{"hook", "uffd"}, {"target_pid", info.pid}, {"target_fd", info.descriptor}};
  }
  Json show() const override {
    const uffd::Info info = pager_->info();
    return {{"hook", "uffd"},
            {"way", "worker"},
            {"target_pid", info.pid},
            {"target_fd", info.descriptor},
            {"features", info.features},
            {"threads", info.threads},
            {"registered", info.registered},
            {"page_size", info.page_size},
            {"children", info.children},
            {"source", options_.source.empty() ? Json(nullptr) : Json(options_.source)},
            {"source_size", info.source_size},
            {"prefetch", options_.prefetch},
            {"on_exit", exit_name(options_.on_exit)},
            {"entry", info.entry}};
  }
  Json total() const override {
    Json sum = thread_json({});
    for (const Json& one : parts()) {
      for (auto& [key, value] : sum.items()) value = value.get<uint64_t>() + one[key].get<uint64_t>();
    }
    return sum;
  }
  Json parts() const override {
    Json all = Json::array();
    for (const uffd::Stats& stats : pager_->stats()) all.push_back(thread_json(stats));
    return all;
  }
  const char* part() const override { return "thread"; }
  std::optional<std::string> detached() const override { return pager_->detached(); }

 private:
  std::unique_ptr<uffd::Pager> pager_;
  uffd::Options options_;
};

}  // namespace

Result<std::unique_ptr<Attached>> attach(const LoadRequest& request, const Extension& extension,
                                         const std::string& chain_record, std::function<void(const Event&)> on_event) {
  if (request.target) {
    VBPF_TRY(uffd::Target target, request.target->duplicate());
    VBPF_TRY(auto pager, uffd::Pager::attach(extension, std::move(target), request.uffd, std::move(on_event)));
    return std::unique_ptr<Attached>(std::make_unique<OnProcess>(std::move(pager), request.uffd));
  }
  xdp::Options options = request.xdp;
  options.chain_record = chain_record;
  VBPF_TRY(auto hook, xdp::Hook::attach(extension, options, std::move(on_event)));
  return std::unique_ptr<Attached>(std::make_unique<OnDevice>(std::move(hook)));
}

}  // namespace vbpf::cli
