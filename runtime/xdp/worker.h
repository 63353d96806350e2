// SPDX-License-Identifier: Apache-2.0
// One queue: a thread that takes packets from the socket, has the extension look at them, and does what it says.
#pragma once

#include <atomic>
#include <future>
#include <thread>

#include "instances.h"
#include "outbox.h"
#include "queue_memory.h"

namespace vbpf::xdp {

// What the workers of a hook share with it.
class Supervisor {
 public:
  virtual ~Supervisor() = default;
  virtual void report(const Event& event) = 0;
  // Whether policy allows one more restart now.
  virtual bool may_restart() = 0;
  // Asks for the hook to be detached; returns at once.
  virtual void request_detach(const std::string& reason) = 0;
};

class Worker {
 public:
  static Result<std::unique_ptr<Worker>> make(const Device& device, uint32_t queue, const Options& options,
                                              Programs& programs, std::shared_ptr<Group> group, size_t member,
                                              QueueMemory memory, Supervisor& supervisor);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  Result<void> start();
  // Handles what has arrived, then ends. With `judge` false the rest is given back unseen, as if nothing were loaded.
  void stop(bool judge);
  QueueStats stats() const;
  const Socket& socket() const { return *socket_; }

 private:
  struct Window {  // the instance in use
    std::shared_ptr<Running> running;
    uint64_t generation = 0;
    std::byte* base = nullptr;  // where the extension sees the queue's memory
    std::span<XdpSlot> slots;
  };

  Worker(const Device& device, uint32_t queue, const Options& options, Programs& programs, std::shared_ptr<Group> group,
         size_t member, QueueMemory memory, Supervisor& supervisor);
  void run(std::promise<Result<void>> started);
  void pin() const;
  bool work();  // one batch; false when there was nothing
  void idle();
  void use_current_instance();
  void judge(std::span<const Received> packets);
  void prepare(std::span<const Received> packets, size_t first);
  void act(std::span<const Received> packets, size_t first, size_t count);
  void act_on(const XdpSlot& slot, const Received& packet);
  void forward(uint32_t verdict, uint32_t ifindex, std::span<const std::byte> packet);
  void give_back(std::span<const Received> packets);
  void handle_fault(const Fault& fault, const Received& packet);
  void restart();
  void abort_packet(const char* why);

  Device device_;
  uint32_t queue_;
  Options options_;
  Programs* programs_;
  std::shared_ptr<Group> group_;
  size_t member_;
  QueueMemory memory_;
  Supervisor* supervisor_;
  Counters counters_;
  std::unique_ptr<Socket> socket_;
  std::optional<Outbox> outbox_;
  Window window_;
  std::vector<Received> received_;
  File wake_;
  std::atomic<bool> stopping_{false}, judging_{true};
  std::chrono::steady_clock::time_point last_packet_, last_abort_report_;
  uint64_t unreported_aborts_ = 0;
  std::thread thread_;
};

}  // namespace vbpf::xdp
