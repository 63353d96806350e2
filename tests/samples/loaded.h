// SPDX-License-Identifier: Apache-2.0
// A sample loaded through libvbpf, given one packet at a time.
#pragma once

#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "packets.h"
#include "vbpf/extension.h"

struct Answer {
  int verdict = -1;
  packets::Bytes packet;
  std::optional<vbpf::Fault> fault;
};

class Loaded {
 public:
  // `error` says what went wrong, if anything did.
  Loaded(const std::string& name, const std::string& entry) {
    if (auto loaded = load(name, entry); !loaded) error = loaded.error().message;
  }
  Loaded(const Loaded&) = delete;
  Loaded& operator=(const Loaded&) = delete;

  Answer send(const packets::Bytes& packet) {
    auto* slot = reinterpret_cast<vbpf::XdpSlot*>(window_.data());
    auto* data = reinterpret_cast<uint8_t*>(window_.data() + 4096 + VBPF_XDP_HEADROOM);
    std::memcpy(data, packet.data(), packet.size());
    *slot = {};
    slot->ctx.data = slot->ctx.data_meta = data;
    slot->ctx.data_end = data + packet.size();
    slot->ctx.ingress_ifindex = 1;
    Answer answer;
    instance_->call_xdp(entry_, {slot, 1}, answer.fault);
    answer.verdict = static_cast<int>(slot->verdict);
    answer.packet.assign(data, data + packet.size());
    return answer;
  }

  bool logged(const std::string& part) const {
    for (const std::string& line : log) {
      if (line.find(part) != std::string::npos) return true;
    }
    return false;
  }

  std::string error;
  std::vector<std::string> log;

 private:
  static constexpr size_t frame_size = 4096;

  vbpf::Result<void> load(const std::string& name, const std::string& entry) {
    vbpf::LoadOptions options;
    options.budget = std::chrono::milliseconds(200);  // also for the emulated CPU of the VM
    options.log = [this](std::string_view line) { log.emplace_back(line); };
    const std::string path = std::string(SAMPLES_FOLDER) + "/" + name + "/" + name + ".o";
    VBPF_TRY(extension_, vbpf::Extension::open(path, options));
    VBPF_TRY(instance_, extension_->instantiate());
    VBPF_TRY(window_, instance_->window(4096 + frame_size));
    VBPF_TRY(entry_, instance_->entry(entry, "xdp"));
    return {};
  }

  std::optional<vbpf::Extension> extension_;
  std::unique_ptr<vbpf::Instance> instance_;
  std::span<std::byte> window_;
  uint64_t entry_ = 0;
};
