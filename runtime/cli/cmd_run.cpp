// SPDX-License-Identifier: Apache-2.0
// Runs an entry of hook xdp on packets given here: in this process, in the same slots and frames as the hook's, or in
// the kernel.
#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <memory>

#include "output.h"
#include "packets.h"
#include "record.h"
#include "resident.h"
#include "verb.h"
#include "xdp_hook.h"

namespace vbpf::cli {
namespace {

constexpr size_t page = 4096;
constexpr size_t tailroom = 2048;

struct Arguments {
  std::string file, entry, engine = "user";
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

// An extension that is there to be run.
class Runner {
 public:
  virtual ~Runner() = default;
  virtual std::string_view confinement() const = 0;
  virtual std::string confinement_reason() const = 0;
  // Every run sees the packet afresh; globals and heap carry on.
  virtual Result<Answer> run(const Packet& packet, uint64_t repeat) = 0;
};

class ProcessRunner final : public Runner {
 public:
  static Result<std::unique_ptr<Runner>> make(const Arguments& arguments, size_t longest) {
    LoadOptions options = arguments.confine.load_options();
    options.log = [](std::string_view line) { complain(printable(line)); };
    auto runner = std::unique_ptr<ProcessRunner>(new ProcessRunner);
    VBPF_TRY(runner->extension_, Extension::open(arguments.file, std::move(options)));
    const std::vector<EntryInfo>& entries = runner->extension_->entries();
    VBPF_TRY(const size_t entry, choose_entry(entries, {"xdp", arguments.entry}, runner->extension_->name()));
    VBPF_TRY(runner->instance_, runner->extension_->instantiate());
    VBPF_TRY(runner->entry_, runner->instance_->entry(entries[entry].name, "xdp"));
    VBPF_TRY(const std::span<std::byte> window,
             runner->instance_->window(page + VBPF_XDP_HEADROOM + longest + tailroom));
    runner->slot_ = reinterpret_cast<XdpSlot*>(window.data());
    runner->frame_ = {reinterpret_cast<uint8_t*>(window.data()) + page, window.size() - page};
    return std::unique_ptr<Runner>(std::move(runner));
  }

  std::string_view confinement() const override { return to_string(extension_->confinement()); }
  std::string confinement_reason() const override { return extension_->confinement_reason(); }

  Result<Answer> run(const Packet& packet, uint64_t repeat) override {
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
  ProcessRunner() = default;

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

class KernelRunner final : public Runner {
 public:
  static Result<std::unique_ptr<Runner>> make(const Arguments& arguments) {
    if (arguments.confine.unconfined || arguments.confine.confine != "auto") {
      return Error{ErrorKind::bad_input,
                   "in the kernel extensions are confined by PKS: leave out --confine and --unconfined"};
    }
    const LoadOptions options = arguments.confine.load_options();
    kernel::ResidentOptions how;
    how.name = "run-" + std::to_string(::getpid());
    how.budget = options.budget;
    how.stack_size = options.stack_size;
    how.heap_size = options.heap_size;
    VBPF_TRY(kernel::Resident resident, kernel::Resident::load(arguments.file, how));
    VBPF_TRY(const size_t entry, choose_entry(resident.entries(), {"xdp", arguments.entry},
                                              std::filesystem::path(arguments.file).stem().string()));
    return std::unique_ptr<Runner>(new KernelRunner(std::move(resident), static_cast<uint32_t>(entry)));
  }

  std::string_view confinement() const override { return "pks"; }
  std::string confinement_reason() const override { return "it runs in the kernel"; }

  Result<Answer> run(const Packet& packet, uint64_t repeat) override {
    VBPF_TRY(kernel::TestRun done, resident_.run(entry_, packet, repeat));
    say_what_it_logged();
    return Answer{done.retval, std::move(done.fault), std::move(done.out), done.time, done.runs};
  }

 private:
  // Its constructors may have logged already.
  KernelRunner(kernel::Resident resident, uint32_t entry) : resident_(std::move(resident)), entry_(entry) {
    say_what_it_logged();
  }

  void say_what_it_logged() {
    for (const vbpf_log_line& line : kernel::lines_of(resident_.descriptor(), next_line_)) {
      if (line.number > next_line_)
        complain(fmt::format("{} lines more were logged than the kernel keeps", line.number - next_line_));
      complain(printable(kernel::text_of(line)));
      next_line_ = line.number + 1;
    }
  }

  kernel::Resident resident_;
  uint32_t entry_;
  uint64_t next_line_ = 1;
};

Result<std::unique_ptr<Runner>> make_runner(const Arguments& arguments, size_t longest) {
  if (arguments.engine == "kernel") return KernelRunner::make(arguments);
  return ProcessRunner::make(arguments, longest);
}

Json answer_json(const Answer& answer, const Runner& runner, bool registers) {
  return {{"retval", answer.retval},
          {"verdict", verdict_name(answer.retval)},
          {"ns_per_run", answer.ns_per_run()},
          {"confinement", runner.confinement()},
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
  VBPF_TRY(const std::unique_ptr<Runner> runner, make_runner(arguments, longest));
  if (!json_wanted()) fmt::print("confinement {}: {}\n", runner->confinement(), runner->confinement_reason());
  int status = exit_ok;
  Json all = Json::array(), last;
  for (size_t i = 0; i < packets.size(); ++i) {
    VBPF_TRY(const Answer answer, runner->run(packets[i], arguments.repeat));
    if (answer.fault || !answer.out) status = exit_failed;
    if (json_wanted()) {
      last = answer_json(answer, *runner, arguments.registers);
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
  command.add_option("--engine", arguments->engine, "where: user (this process), kernel")
      ->check(CLI::IsMember({"user", "kernel"}))
      ->capture_default_str();
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
