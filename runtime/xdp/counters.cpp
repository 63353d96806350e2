// SPDX-License-Identifier: Apache-2.0
#include "counters.h"

namespace vbpf::xdp {

QueueStats Counters::read() const {
  QueueStats stats;
  stats.packets = packets.get();
  stats.bytes = bytes.get();
  for (size_t verdict = 0; verdict < verdicts.size(); ++verdict) stats.verdicts[verdict] = verdicts[verdict].get();
  stats.faults = faults.get();
  stats.restarts = restarts.get();
  stats.pass_single = pass_single.get();
  stats.pass_batch = pass_batch.get();
  stats.dropped = dropped.get();
  stats.batches = batches.get();
  return stats;
}

}  // namespace vbpf::xdp
