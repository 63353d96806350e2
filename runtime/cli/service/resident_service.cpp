// SPDX-License-Identifier: Apache-2.0
#include "resident_service.h"

#include <bpf/bpf.h>
#include <net/if.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <span>

#include "description.h"
#include "journal.h"
#include "object_file.h"
#include "record.h"
#include "registry.h"
#include "state_folder.h"
#include "stub.h"

namespace vbpf::cli {
namespace {

std::string files_folder() { return run_folder() + "/.kernel"; }
std::string object_path(const std::string& name) { return files_folder() + "/" + name + ".o"; }
std::string details_path(const std::string& name) { return files_folder() + "/" + name + ".json"; }

Result<void> write_file(const std::string& path, std::span<const std::byte> bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
  if (!file.flush()) return system_error("cannot write " + path, errno);
  return {};
}

// For the lines of faults that come later, and for who shows it. Without these it has no symbols, and the rest is left
// out.
Result<void> save(const ResidentRequest& request, const kernel::Resident& resident) {
  const std::string& name = request.load.name;
  std::error_code error;
  std::filesystem::create_directories(files_folder(), error);
  Json details{{"id", resident.id()}, {"file", printable(request.file)}};
  if (request.target) {
    details["target_fd"] = request.target->number();
    details["features"] = request.target->features();
    if (const auto ranges = request.target->ranges()) {
      uint64_t registered = 0;
      for (const uffd::Range& range : *ranges) registered += range.end - range.start;
      details["registered"] = registered;
      details["page_size"] = uffd::largest_page(*ranges, ~uint64_t{0});
    }
    details["source"] = request.load.source.empty() ? Json(nullptr) : Json(printable(request.load.source));
  }
  const std::string text = details.dump();
  VBPF_CHECK(write_file(object_path(name), resident.object()));
  return write_file(details_path(name), std::as_bytes(std::span(text)));
}

// Nothing if they are not those of this one.
Json details_of(const std::string& name, uint32_t id) {
  std::ifstream file(details_path(name));
  Json details = Json::parse(file, nullptr, false);
  if (!details.is_object() || details.value("id", 0u) != id) return Json::object();
  details.erase("id");
  return details;
}

void forget(const std::string& name) {
  ::unlink(object_path(name).c_str());
  ::unlink(details_path(name).c_str());
  ::rmdir(files_folder().c_str());
}

std::chrono::system_clock::time_point since(const vbpf_info& info) {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  const auto age = std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec) -
                   std::chrono::nanoseconds(info.created_ns);
  return std::chrono::system_clock::now() - std::chrono::duration_cast<std::chrono::system_clock::duration>(age);
}

// Like a worker's, but for what the kernel does not count.
Json userfault_totals(const vbpf_info& info) {
  Json all{{"page_faults", 0}};
  uint64_t sum = 0;
  constexpr std::array names{"resolved", "zeroed", "continued", "unprotected", "poisoned", "passed"};
  static_assert(names.size() == std::extent_v<decltype(info.userfault_verdicts)>);
  for (size_t i = 0; i < names.size(); ++i) {
    const uint64_t count = info.userfault_verdicts[(i + 1) % names.size()];  // VBPF_UFFD_PASS is 0
    all[names[i]] = count;
    sum += count;
  }
  all["page_faults"] = sum;
  all.update({{"prefetched", info.userfault_prefetched},
              {"faults", info.faults},
              {"restarts", info.restarts},
              {"busy", info.busy}});
  return all;
}

Json totals(const vbpf_info& info) {
  if (info.userfault_pid != 0) return userfault_totals(info);
  Json verdicts = Json::object();
  uint64_t packets = 0;
  for (size_t i = 0; i < std::size(info.verdicts); ++i) {
    verdicts[verdict_name(i)] = info.verdicts[i];
    packets += info.verdicts[i];
  }
  return {{"packets", packets},    {"bytes", info.bytes}, {"verdicts", verdicts},
          {"faults", info.faults}, {"busy", info.busy},   {"restarts", info.restarts}};
}

Json faults_json(const kernel::Held& held, const std::vector<std::byte>& object,
                 const std::vector<verifier::Symbol>& symbols, bool registers) {
  Json all = Json::array();
  for (const vbpf_fault& raw : kernel::faults_of(held.descriptor(), 0)) {
    const Fault fault = kernel::describe(raw, symbols, object);
    Json one{{"time", time_text(kernel::time_of(raw))}, {"cpu", raw.cpu}};
    one.update(fault_json(fault, registers));
    one["text"] = fault_text(fault, registers);
    all.push_back(one);
  }
  return all;
}

std::string device_name(uint32_t ifindex) {
  std::array<char, IF_NAMESIZE> name{};
  return ifindex != 0 && ::if_indextoname(ifindex, name.data()) != nullptr ? std::string(name.data()) : "-";
}

const char* policy_name(uint32_t on_fault) {
  if (on_fault == VBPF_ON_FAULT_DETACH) return "detach";
  return on_fault == VBPF_ON_FAULT_RESTART ? "restart" : "pass";
}

const char* state_name(const vbpf_info& info, const std::optional<kernel::StubPlace>& stub) {
  if (info.state == VBPF_STATE_DETACHED) return "detached";
  if (info.state != VBPF_STATE_RUNNING) return "stopped";
  if (info.userfault_pid != 0) return info.userfaults != 0 ? "attached" : "detached";
  if (!stub) return "loaded";
  return stub->ifindex != 0 ? "attached" : "detached";
}

// Why it is attached no longer, if it was.
Json detached_reason(const vbpf_info& info, const std::string& state) {
  if (state != "detached") return nullptr;
  if (info.state == VBPF_STATE_DETACHED && info.on_fault == VBPF_ON_FAULT_DETACH)
    return "it faulted, and the policy is to detach";
  if (info.state == VBPF_STATE_DETACHED)
    return "it faulted more than " + std::to_string(info.max_restarts) + " times within a minute";
  return info.userfault_pid != 0 ? "nobody has the userfaultfd open any more" : "its device is gone";
}

Json maps_json(const vbpf_info& info) {
  Json all = Json::array();
  for (size_t i = 0; i < std::min<size_t>(info.map_count, std::size(info.map_ids)); ++i) {
    const uint32_t id = info.map_ids[i];
    bpf_map_info map{};
    uint32_t size = sizeof(map);
    const File file(bpf_map_get_fd_by_id(id));
    const bool known = file && bpf_obj_get_info_by_fd(file.get(), &map, &size) == 0;
    all.push_back({{"name", known ? map.name : ""}, {"id", id}});
  }
  return all;
}

Json entries_json(const kernel::Names& names) {
  Json all = Json::array();
  for (const EntryInfo& entry : names.entries)
    all.push_back({{"hook", printable(entry.hook)}, {"name", printable(entry.name)}});
  return all;
}

Json show(const kernel::Held& held, const std::string& name, const vbpf_info& info, bool registers) {
  // Without it, it has no names.
  const auto saved = read_object(object_path(name));
  const std::vector<std::byte> object = saved ? *saved : std::vector<std::byte>();
  const kernel::Names names = kernel::names_of(object);
  const std::optional<kernel::StubPlace> stub = kernel::find_stub(name);
  const uint32_t ifindex = stub ? stub->ifindex : 0;
  const std::string state = state_name(info, stub);
  Json shown{{"name", name},
             {"engine", "kernel"},
             {"file", nullptr},
             {"state", state},
             {"detached_reason", detached_reason(info, state)},
             {"since", time_text(since(info))},
             {"id", info.id},
             {"hook", stub                      ? "xdp"
                      : info.userfault_pid != 0 ? "uffd"
                                                : "plugin"},
             {"device", device_name(ifindex)},
             {"ifindex", ifindex},
             {"prog_id", stub ? stub->program_id : 0},
             {"entries", entries_json(names)},
             {"instances", info.instances},
             {"confinement", "pks"},
             {"confinement_reason", "it runs in the kernel"},
             {"concurrency", concurrency_name(info.concurrency)},
             {"budget_ns", info.budget_ns},
             {"precise", (info.flags & VBPF_PRECISE) != 0},
             {"stack_size", info.stack_size},
             {"heap_size", info.heap_size},
             {"memory", info.memory},
             {"packet_bytes", info.copy_size == VBPF_COPY_LINEAR    ? Json("linear")
                              : info.copy_size == VBPF_COPY_NOTHING ? Json(0)
                                                                    : Json(info.copy_size)},
             {"packet_read_only", (info.flags & VBPF_READ_ONLY) != 0},
             {"domain_key", info.domain_key},
             {"key_changes", info.key_changes},
             {"maps", maps_json(info)},
             {"on_fault", policy_name(info.on_fault)},
             {"max_restarts", info.max_restarts},
             {"total", totals(info)},
             {"faults", faults_json(held, object, names.symbols, registers)}};
  if (info.userfault_pid != 0) {
    shown.erase("device");
    shown.update(
        {{"way", "kernel"},
         {"target_pid", info.userfault_pid},
         {"entry", info.userfault_entry < names.entries.size() ? printable(names.entries[info.userfault_entry].name)
                                                               : std::to_string(info.userfault_entry)},
         {"prefetch", info.userfault_prefetch},
         {"source_size", info.source_size}});
  }
  shown.update(details_of(name, info.id));
  return shown;
}

// Lines and faults, which have numbers of their own: `from` is 0, or what the answer before had as "next".
Json log_lines(const kernel::Held& held, const std::string& name, const vbpf_info& info, const Json& from) {
  uint64_t next_line = 0, next_fault = 0;
  if (from.is_object()) {
    next_line = from.value("line", uint64_t{0});
    next_fault = from.value("fault", uint64_t{0});
  }
  const auto faults = kernel::faults_of(held.descriptor(), next_fault);
  const auto lines = kernel::lines_of(held.descriptor(), next_line);
  std::vector<std::byte> object;
  kernel::Names names;
  if (!faults.empty()) {  // looking for symbols takes a while
    if (auto saved = read_object(object_path(name))) object = std::move(*saved);
    names = kernel::names_of(object);
  }
  Json all = Json::array();
  const auto add = [&](uint64_t number, std::chrono::system_clock::time_point time, const char* kind,
                       const std::string& text) {
    all.push_back({{"number", number}, {"time", time_text(time)}, {"kind", kind}, {"text", text}});
  };
  kernel::in_order(
      faults, lines,
      [&](const vbpf_fault& raw) {
        next_fault = raw.number + 1;
        const Fault fault = kernel::describe(raw, names.symbols, object);
        add(raw.number, kernel::time_of(raw), "fault",
            "cpu " + std::to_string(raw.cpu) + ": " + printable(fault_text(fault, false)));
      },
      [&](const vbpf_log_line& line) {
        next_line = line.number + 1;
        add(line.number, kernel::time_of(line), "log", printable(kernel::text_of(line)));
      });
  return {{"lines", all}, {"next", {{"line", next_line}, {"fault", next_fault}}}, {"suppressed", info.log_dropped}};
}

Result<Json> answer(const kernel::Held& held, const std::string& name, const Json& request) {
  VBPF_TRY(const vbpf_info info, held.info());
  const std::string verb = request.value("verb", "");
  if (verb == "show") return show(held, name, info, request.value("registers", false));
  if (verb == "stats") {
    const std::optional<kernel::StubPlace> stub = kernel::find_stub(name);
    Json stats{{"name", name}};
    if (info.userfault_pid != 0) {
      const Json details = details_of(name, info.id);
      stats.update({{"hook", "uffd"}, {"target_pid", info.userfault_pid}});
      if (details.contains("target_fd")) stats["target_fd"] = details["target_fd"];
    } else {
      stats.update({{"hook", stub ? "xdp" : "plugin"}, {"device", device_name(stub ? stub->ifindex : 0)}});
    }
    stats.update({{"state", state_name(info, stub)},
                  {"total", totals(info)},
                  {info.userfault_pid != 0 ? "threads" : "queues", Json::array()}});
    return stats;
  }
  if (verb == "log") return log_lines(held, name, info, request.value("from", Json(0)));
  if (verb == "unload") {
    Json last = show(held, name, info, false);
    kernel::unpin_stub(name);
    VBPF_CHECK(held.unload());
    forget(name);
    return last;
  }
  return Error{ErrorKind::bad_input, "extensions in the kernel answer no request " + printable(verb)};
}

// Loaded to be called by its id.
Result<void> keep(const ResidentRequest& request, const kernel::Resident& resident) {
  const auto& entries = resident.entries();
  if (std::none_of(entries.begin(), entries.end(), [](const EntryInfo& entry) { return entry.hook == "plugin"; })) {
    return Error{ErrorKind::bad_input,
                 request.load.name + " has no entry for the plugin hook: mark one with VBPF_PLUGIN_ENTRY"};
  }
  VBPF_CHECK(save(request, resident));
  const Result<void> kept = resident.keep();
  if (!kept) forget(request.load.name);
  return kept;
}

// Whatever fails, it goes with its descriptor, and the faults with it.
Result<void> answer_faults(const ResidentRequest& request, const kernel::Resident& resident) {
  VBPF_TRY(const size_t entry, choose_entry(resident.entries(), {"uffd", request.entry}, request.load.name));
  VBPF_CHECK(save(request, resident));
  Result<void> attached = resident.answer(
      {request.target->descriptor(), request.target->pid(), static_cast<uint32_t>(entry), request.prefetch});
  if (attached) attached = resident.keep();
  if (!attached) forget(request.load.name);
  return attached;
}

Result<void> attach(const ResidentRequest& request, const kernel::Resident& resident) {
  VBPF_TRY(const size_t chosen, choose_entry(resident.entries(), {"xdp", request.entry}, request.load.name));
  VBPF_TRY(const xdp::Device device, xdp::find_device(request.xdp.device));
  const auto entry = static_cast<uint32_t>(chosen);
  const std::string& name = request.load.name;
  VBPF_TRY(const kernel::Stub stub, kernel::attach_stub(device, resident.id(), entry, request.xdp.attach));
  VBPF_CHECK(save(request, resident));
  // In this order, who is killed in between leaves an extension that nothing calls, and `vbpf unload` finds.
  Result<void> kept = resident.keep();
  if (kept) kept = kernel::pin_stub(stub, name);
  if (kept) return {};
  kernel::unpin_stub(name);
  forget(name);
  if (const auto held = kernel::Held::find(name); held && *held) VBPF_CHECK((*held)->unload());
  return kept;
}

}  // namespace

Result<Json> load_resident(const ResidentRequest& request) {
  const std::string& name = request.load.name;
  VBPF_CHECK(check_name(name));
  VBPF_TRY(std::vector<std::string> taken, loaded_names());
  VBPF_TRY(const std::vector<std::string> residents, kernel::resident_names());
  taken.insert(taken.end(), residents.begin(), residents.end());
  if (std::find(taken.begin(), taken.end(), name) != taken.end()) {
    return Error{ErrorKind::refused, name + " is loaded already; `vbpf unload " + name +
                                         "` first, or give this one another name with --name"};
  }
  VBPF_TRY(const kernel::Resident resident, kernel::Resident::load(request.file, request.load));
  VBPF_CHECK(request.hook == "plugin" ? keep(request, resident)
             : request.hook == "uffd" ? answer_faults(request, resident)
                                      : attach(request, resident));
  VBPF_TRY(const std::optional<Json> shown, ask_resident(name, {{"verb", "show"}}));
  if (!shown) return Error{ErrorKind::internal, name + " was unloaded as soon as it had been loaded"};
  return *shown;
}

Result<std::optional<Json>> ask_resident(const std::string& name, const Json& request) {
  VBPF_TRY(const std::optional<kernel::Held> held, kernel::Held::find(name));
  if (!held) return std::optional<Json>();
  VBPF_TRY(Json given, answer(*held, name, request));
  return std::optional<Json>(std::move(given));
}

}  // namespace vbpf::cli
