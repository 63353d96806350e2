// SPDX-License-Identifier: Apache-2.0
// The XDP hook on a stock kernel: AF_XDP sockets whose frames lie in the extension's memory.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hook.h"
#include "vbpf/extension.h"

namespace vbpf::xdp {

enum class AttachMode { automatic, native, generic };  // automatic: native where the driver can
enum class PollMode { adaptive, spin, sleep };         // adaptive: spin for a while, then sleep in poll()

struct Options {
  std::string device;
  std::string entry;  // empty: the only one in section "xdp"
  AttachMode attach = AttachMode::automatic;
  PollMode poll = PollMode::adaptive;
  std::optional<bool> zero_copy;  // not set: where the driver can
  uint32_t frames = 2048;         // per queue, power of two
  uint32_t frame_size = 0;        // 2048 or 4096; 0: by the device's MTU
  uint32_t batch = 64;            // packets per gate crossing, at most
  OnFault on_fault = OnFault::restart;
  uint32_t max_restarts = 10;  // within a minute; one more detaches
  std::string chain_record;    // a file to write when other programs' chain is joined, for leave_recorded_chain()
};

struct QueueStats {
  uint64_t packets = 0, bytes = 0;     // received
  std::array<uint64_t, 5> verdicts{};  // by XDP_*; ABORTED includes unknown verdicts and faults
  uint64_t faults = 0, restarts = 0;
  uint64_t pass_single = 0, pass_batch = 0;  // how packets were given back (lone / live frames)
  uint64_t dropped = 0;                      // could not be sent or given back, ring full
  uint64_t batches = 0;                      // gate crossings
};

struct Info {
  std::string device;
  uint32_t ifindex = 0;
  uint32_t prog_id = 0;  // the attached eBPF program
  bool native = false, zero_copy = false, busy_poll = false;
  bool shared = false;  // with other programs, through libxdp's dispatcher
  uint32_t queues = 0, frame_size = 0, frames = 0;
  std::string entry;
};

// One attached extension. Owns its threads (one per queue), sockets, links. Destruction detaches.
class Hook {
 public:
  // Instances are made here (one per queue, or one for all with `shared` and `serial`). Nothing stays attached on
  // error.
  static Result<std::unique_ptr<Hook>> attach(const Extension& extension, const Options& options,
                                              std::function<void(const Event&)> on_event);
  virtual ~Hook() = default;

  virtual Info info() const = 0;
  virtual std::vector<QueueStats> stats() const = 0;  // one per queue; any thread may ask
  // The reason once the hook has detached by itself (device gone, queue change, policy), else nothing.
  virtual std::optional<std::string> detached() const = 0;
};

}  // namespace vbpf::xdp
