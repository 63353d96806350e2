// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "output.h"
#include "service/loaded.h"
#include "verb.h"

namespace vbpf::cli {
namespace {

struct Arguments {
  std::string name;
  bool registers = false;
};

void print_faults(const Json& shown, const char* where) {
  if (shown["faults"].empty()) return;
  fmt::print("last faults:\n");
  for (const Json& fault : shown["faults"]) {
    fmt::print("  {}  {} {}: {}\n", fault["time"].get<std::string>(), where, fault[where].get<uint32_t>(),
               fault["text"].get<std::string>());
  }
}

std::string entries_text(const Json& shown) {
  std::string entries;
  for (const Json& entry : shown["entries"])
    entries +=
        (entries.empty() ? "" : ", ") + entry["hook"].get<std::string>() + "/" + entry["name"].get<std::string>();
  return entries;
}

// With what bpftool knows them by.
void print_maps(const Json& shown) {
  for (const Json& map : shown["maps"])
    fmt::print("  map          {}, bpftool map dump id {}\n", map["name"].get<std::string>(),
               map["id"].get<uint32_t>());
}

std::string packet_text(const Json& bytes) {
  if (bytes.is_string()) return "all of the linear part is copied";
  return bytes == 0 ? "nothing of it is copied" : fmt::format("{} bytes of it are copied", bytes.get<uint32_t>());
}

void print_state(const Json& shown) {
  fmt::print("{}: {}", shown["name"].get<std::string>(), shown["state"].get<std::string>());
  if (!shown["detached_reason"].is_null()) fmt::print(" ({})", shown["detached_reason"].get<std::string>());
  fmt::print("\n");
  if (!shown["file"].is_null()) fmt::print("  file         {}\n", printable(shown["file"].get<std::string>()));
}

// What is not known of one in the kernel is left out.
void print_userfaultfd(const Json& shown) {
  const auto number = [&](const char* key) { return shown[key].get<uint64_t>(); };
  fmt::print("  hook         uffd");
  if (shown.contains("target_fd")) fmt::print(" on descriptor {}", number("target_fd"));
  fmt::print(" of process {}", number("target_pid"));
  if (shown.contains("registered")) fmt::print(", {} KiB registered", number("registered") >> 10);
  fmt::print(", entry {}\n", shown["entry"].get<std::string>());
}

void print_source(const Json& shown) {
  const uint64_t size = shown["source_size"].get<uint64_t>() >> 10;
  const Json source = shown.value("source", Json(nullptr));
  if (!source.is_null()) {
    fmt::print("  source       {}, {} KiB\n", printable(source.get<std::string>()), size);
  } else if (size != 0) {
    fmt::print("  source       {} KiB\n", size);
  }
}

void print_resident(const Json& shown) {
  const auto text = [&](const char* key) { return shown[key].get<std::string>(); };
  const auto number = [&](const char* key) { return shown[key].get<uint64_t>(); };
  const Json& total = shown["total"];
  const bool uffd = shown["hook"] == "uffd";
  print_state(shown);
  fmt::print("  engine       kernel, extension {}, {} KiB of memory\n", number("id"), number("memory") >> 10);
  if (shown["hook"] == "plugin") {
    fmt::print("  hook         plugin: eBPF programs call it with vbpf_call()\n");
  } else if (uffd) {
    print_userfaultfd(shown);
    fmt::print("  way          in the kernel, up to {} pages besides a fault's own\n", number("prefetch"));
    print_source(shown);
  } else {
    fmt::print("  hook         {} on {} (ifindex {}), program {}\n", text("hook"), text("device"), number("ifindex"),
               number("prog_id"));
  }
  fmt::print("  entries      {}\n", entries_text(shown));
  fmt::print("  confinement  {}: {}\n", text("confinement"), text("confinement_reason"));
  fmt::print("  instances    {} {}, stack {} KiB, heap {} MiB at most, budget {}{}\n", number("instances"),
             text("concurrency"), number("stack_size") >> 10, number("heap_size") >> 20,
             duration_text(std::chrono::nanoseconds(shown["budget_ns"].get<int64_t>())),
             shown["precise"] == true ? ", precise" : "");
  if (!uffd) {
    fmt::print("  packet       {}{}\n", packet_text(shown["packet_bytes"]),
               shown["packet_read_only"] == true ? ", read-only" : "");
  }
  print_maps(shown);
  fmt::print("  on fault     {}, at most {} restarts a minute\n", text("on_fault"), number("max_restarts"));
  fmt::print("  since        {}\n", text("since"));
  fmt::print("  {} {}, {} faults, {} restarts, {} busy\n", uffd ? "page faults " : "packets     ",
             total[uffd ? "page_faults" : "packets"].get<uint64_t>(), total["faults"].get<uint64_t>(),
             total["restarts"].get<uint64_t>(), total["busy"].get<uint64_t>());
  print_faults(shown, "cpu");
}

void print_device(const Json& shown) {
  const auto text = [&](const char* key) { return shown[key].get<std::string>(); };
  const auto number = [&](const char* key) { return shown[key].get<uint64_t>(); };
  fmt::print("  hook         {} on {} (ifindex {}), program {}, entry {}\n", text("hook"), text("device"),
             number("ifindex"), number("prog_id"), text("entry"));
  fmt::print("  mode         {}, {}{}{}\n", text("mode"), shown["zero_copy"] == true ? "zero-copy" : "copy",
             shown["busy_poll"] == true ? ", busy-poll" : "",
             shown["shared"] == true ? ", after other programs of libxdp's dispatcher" : "");
  fmt::print("  queues       {}, {} frames of {} bytes each\n", number("queues"), number("frames"),
             number("frame_size"));
}

void print_process(const Json& shown) {
  const auto number = [&](const char* key) { return shown[key].get<uint64_t>(); };
  print_userfaultfd(shown);
  fmt::print("  way          {} thread{} of the worker, up to {} pages besides a fault's own\n", number("threads"),
             number("threads") == 1 ? "" : "s", number("prefetch"));
  if (number("children") != 0) fmt::print("  children     {} of its forks are served\n", number("children"));
  print_source(shown);
  fmt::print("  on exit      {}\n", shown["on_exit"].get<std::string>());
}

void print(const Json& shown) {
  const auto text = [&](const char* key) { return shown[key].get<std::string>(); };
  const auto number = [&](const char* key) { return shown[key].get<uint64_t>(); };
  print_state(shown);
  if (shown["hook"] == "uffd") {
    print_process(shown);
  } else {
    print_device(shown);
  }
  fmt::print("  confinement  {}: {}\n", text("confinement"), text("confinement_reason"));
  fmt::print("  instances    {}, stack {} KiB, heap {} MiB at most, budget {}\n", text("concurrency"),
             number("stack_size") >> 10, number("heap_size") >> 20,
             duration_text(std::chrono::nanoseconds(shown["budget_ns"].get<int64_t>())));
  fmt::print("  entries      {}\n", entries_text(shown));
  print_maps(shown);
  fmt::print("  on fault     {}, at most {} restarts a minute\n", text("on_fault"), number("max_restarts"));
  fmt::print("  since        {}, worker {}, keeper {}\n", text("since"), number("pid"), number("keeper_pid"));
  const bool uffd = shown["hook"] == "uffd";
  const Json& total = shown["total"];
  fmt::print("  {} {}, {} faults, {} restarts\n", uffd ? "page faults " : "packets     ",
             total[uffd ? "page_faults" : "packets"].get<uint64_t>(), total["faults"].get<uint64_t>(),
             total["restarts"].get<uint64_t>());
  print_faults(shown, uffd ? "thread" : "queue");
}

Result<int> show(const Arguments& arguments) {
  VBPF_TRY(const Json shown, ask_loaded(arguments.name, {{"verb", "show"}, {"registers", arguments.registers}}));
  if (json_wanted()) {
    print_json(shown);
  } else if (shown["engine"] == "kernel") {
    print_resident(shown);
  } else {
    print(shown);
  }
  return exit_ok;
}

}  // namespace

Action add_show(CLI::App& command) {
  auto arguments = std::make_shared<Arguments>();
  command.add_option("NAME", arguments->name, "what `vbpf list` shows")->required();
  command.add_flag("--registers", arguments->registers, "with the registers of each fault");
  add_json(command);
  return [arguments] { return show(*arguments); };
}

}  // namespace vbpf::cli
