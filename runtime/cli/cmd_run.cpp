// SPDX-License-Identifier: Apache-2.0
// Runs an entry of hook xdp on packets given here, in the same slots and frames as the hook's.
#include <fmt/format.h>

#include <cstring>
#include <memory>

#include "output.h"
#include "packets.h"
#include "verb.h"

namespace vbpf::cli {
namespace {

constexpr size_t page = 4096;
constexpr size_t tailroom = 2048;

struct Arguments {
  std::string file, entry;
  std::optional<std::string> hex, data, pcap;
  uint64_t repeat = 1;
  bool registers = false;
  ConfineOptions confine;

  Result<std::vector<Packet>> packets() const;
};

Result<std::vector<Packet>> Arguments::packets() const {
  if (pcap) return packets_from_pcap(*pcap);
  Packet packet(64);  // zeros
  if (hex) {
    VBPF_TRY(packet, packet_from_hex(*hex));
  } else if (data) {
    VBPF_TRY(packet, packet_from_file(*data));
  }
  return std::vector<Packet>{std::move(packet)};
}

// What came of the last run on one packet.
struct Answer {
  uint64_t retval = 0;
  std::optional<Fault> fault;
  std::optional<Packet> out;  // nothing after a fault, or when the entry left pointers that are not in the frame
  std::chrono::nanoseconds time{};
  uint64_t runs = 0;  // less than asked for after a fault

  double ns_per_run() const { return static_cast<double>(time.count()) / static_cast<double>(runs); }
};

class Runner {
 public:
  static Result<Runner> make(const Arguments& arguments, size_t longest) {
    LoadOptions options = arguments.confine.load_options();
    options.log = [](std::string_view line) { complain(printable(line)); };
    Runner runner;
    VBPF_TRY(runner.extension_, Extension::open(arguments.file, std::move(options)));
    VBPF_TRY(const std::string entry, chosen_entry(*runner.extension_, arguments.entry));
    VBPF_TRY(runner.instance_, runner.extension_->instantiate());
    VBPF_TRY(runner.entry_, runner.instance_->entry(entry, "xdp"));
    VBPF_TRY(const std::span<std::byte> window,
             runner.instance_->window(page + VBPF_XDP_HEADROOM + longest + tailroom));
    runner.slot_ = reinterpret_cast<XdpSlot*>(window.data());
    runner.frame_ = {reinterpret_cast<uint8_t*>(window.data()) + page, window.size() - page};
    return runner;
  }

  const Extension& extension() const { return *extension_; }

  // Every run sees the packet afresh; globals and heap carry on.
  Answer run(const Packet& packet, uint64_t repeat) {
    Answer answer;
    while (answer.runs < repeat && !answer.fault) {
      std::memcpy(frame_.data() + VBPF_XDP_HEADROOM, packet.data(), packet.size());
      *slot_ = {};
      slot_->ctx.data = slot_->ctx.data_meta = frame_.data() + VBPF_XDP_HEADROOM;
      slot_->ctx.data_end = slot_->ctx.data + packet.size();
      const auto begin = std::chrono::steady_clock::now();
      Outcome outcome = instance_->call(entry_, {reinterpret_cast<uint64_t>(&slot_->ctx)});
      answer.time += std::chrono::steady_clock::now() - begin;
      ++answer.runs;
      answer.retval = static_cast<uint32_t>(outcome.value);
      answer.fault = std::move(outcome.fault);
    }
    if (!answer.fault) answer.out = output();
    return answer;
  }

 private:
  Runner() = default;

  static Result<std::string> chosen_entry(const Extension& extension, const std::string& asked) {
    std::string only, all;
    int count = 0;
    for (const EntryInfo& entry : extension.entries()) {
      if (entry.hook != "xdp") continue;
      only = entry.name;
      all += (all.empty() ? "" : ", ") + entry.name;
      ++count;
    }
    if (!asked.empty() || count == 1) return asked.empty() ? only : asked;
    if (count == 0) {
      return Error{ErrorKind::bad_input,
                   extension.name() +
                       " has no entry for hook xdp, and `vbpf run` runs no others; programs call plugins "
                       "through libvbpf"};
    }
    return Error{ErrorKind::bad_input, extension.name() + " has several entries: choose one with --entry: " + all};
  }

  // The context is the extension's to write: read once, then checked.
  std::optional<Packet> output() const {
    const vbpf_xdp ctx = slot_->ctx;
    const auto begin = reinterpret_cast<uint64_t>(ctx.data), end = reinterpret_cast<uint64_t>(ctx.data_end);
    const auto frame = reinterpret_cast<uint64_t>(frame_.data());
    if (begin < frame || end < begin || end > frame + frame_.size()) return std::nullopt;
    return Packet(frame_.data() + (begin - frame), frame_.data() + (end - frame));
  }

  std::optional<Extension> extension_;
  std::unique_ptr<Instance> instance_;
  uint64_t entry_ = 0;
  XdpSlot* slot_ = nullptr;
  std::span<uint8_t> frame_;
};

Json answer_json(const Answer& answer, const Extension& extension, bool registers) {
  return {{"retval", answer.retval},
          {"verdict", verdict_name(answer.retval)},
          {"ns_per_run", answer.ns_per_run()},
          {"confinement", to_string(extension.confinement())},
          {"fault", answer.fault ? fault_json(*answer.fault, registers) : Json(nullptr)},
          {"data_out", answer.out ? Json(hex(answer.out->data(), answer.out->size())) : Json(nullptr)}};
}

void print(const Answer& answer, bool registers) {
  if (answer.fault) {
    fmt::print("fault      {}\n", fault_text(*answer.fault, registers));
    return;
  }
  fmt::print("retval     {} ({})\n", answer.retval, verdict_name(answer.retval));
  fmt::print("ns_per_run {:.1f}\n", answer.ns_per_run());
  if (answer.out) {
    fmt::print("data_out   {}\n", hex(answer.out->data(), answer.out->size()));
  } else {
    fmt::print("data_out   none: the entry left data or data_end outside of the frame\n");
  }
}

Result<int> run(const Arguments& arguments) {
  VBPF_TRY(const std::vector<Packet> packets, arguments.packets());
  size_t longest = 0;
  for (const Packet& packet : packets) longest = std::max(longest, packet.size());
  VBPF_TRY(Runner runner, Runner::make(arguments, longest));
  if (!json_wanted()) {
    fmt::print("confinement {}: {}\n", to_string(runner.extension().confinement()),
               runner.extension().confinement_reason());
  }
  int status = exit_ok;
  Json all = Json::array(), last;
  for (size_t i = 0; i < packets.size(); ++i) {
    const Answer answer = runner.run(packets[i], arguments.repeat);
    if (answer.fault || !answer.out) status = exit_failed;
    if (json_wanted()) {
      last = answer_json(answer, runner.extension(), arguments.registers);
      if (arguments.pcap) all.push_back(last);
      continue;
    }
    if (arguments.pcap) fmt::print("packet {} ({} bytes)\n", i, packets[i].size());
    print(answer, arguments.registers);
  }
  if (json_wanted()) {
    if (arguments.pcap) last["packets"] = all;
    print_json(last);
  }
  return status;
}

}  // namespace

Action add_run(CLI::App& command) {
  auto arguments = std::make_shared<Arguments>();
  command.add_option("FILE", arguments->file, "the extension object")->required();
  command.add_option("--entry", arguments->entry, "the function to run (the only one in section xdp)");
  auto* hex = command.add_option("--hex", arguments->hex, "the packet's bytes in hexadecimal (64 zeros)");
  auto* data = command.add_option("--data", arguments->data, "a file that holds the packet's bytes")->excludes(hex);
  command.add_option("--pcap", arguments->pcap, "a capture: runs on each of its packets")
      ->excludes(hex)
      ->excludes(data);
  command
      .add_option("--repeat", arguments->repeat, "runs on each packet; the input is fresh, globals and heap carry on")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 40))
      ->capture_default_str();
  arguments->confine.add(command);
  command.add_flag("--registers", arguments->registers, "with the registers of a fault");
  add_json(command);
  return [arguments] { return run(*arguments); };
}

}  // namespace vbpf::cli
