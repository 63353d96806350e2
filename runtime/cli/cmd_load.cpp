// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <memory>

#include "machine.h"
#include "output.h"
#include "registry.h"
#include "service/launch.h"
#include "service/resident_service.h"
#include "verb.h"

namespace vbpf::cli {
namespace {

struct Arguments {
  std::string file, hook = "xdp", device, name, entry, mode = "auto", poll = "adaptive", on_fault = "restart",
                    engine = "auto", process, listen, source, on_exit = "wait";
  bool copy = false, zero_copy = false, i_know = false, precise = false;
  std::string copy_size;
  uint32_t frames = 2048, frame_size = 0, batch = 64, max_restarts = 10, threads = 1, prefetch = 64;
  ConfineOptions confine;
  std::vector<CLI::Option*> of_user_engine, of_kernel_engine;  // what makes sense there alone
  std::vector<CLI::Option*> of_xdp, of_uffd;                   // and at that hook

  Result<LoadRequest> request() const;
  Result<void> add_process(LoadRequest& request) const;
  Result<ResidentRequest> resident_request(const std::string& as) const;
};

// The first of them that was given; empty if none was.
std::string given(const std::vector<CLI::Option*>& options) {
  for (const CLI::Option* option : options) {
    if (option->count() != 0) return option->get_name();
  }
  return "";
}

struct Engine {
  bool kernel = false;
  std::string reason;  // one sentence
};

// The kernel where it can, unless something that was asked for is not to be had there.
Result<Engine> choose_engine(const Arguments& arguments) {
  const std::string of_user = given(arguments.of_user_engine);
  const std::string of_kernel = given(arguments.of_kernel_engine);
  if (arguments.engine == "kernel") {
    if (!of_user.empty())
      return Error{ErrorKind::bad_input, of_user + " has no meaning in the kernel: leave it out, or use --engine user"};
    return Engine{true, "asked for"};
  }
  if (arguments.engine == "user") {
    if (!of_kernel.empty())
      return Error{ErrorKind::bad_input, of_kernel + " is for the kernel engine: leave it out, or use --engine kernel"};
    return Engine{false, "asked for"};
  }
  if (!of_kernel.empty()) return Engine{true, of_kernel + " was given"};
  if (!of_user.empty()) return Engine{false, of_user + " was given"};
  const auto machine = kernel::Machine::open();
  if (!machine) return Engine{false, machine.error().message};
  if (const auto object = kernel::check_object(arguments.file); !object) return Engine{false, object.error().message};
  return Engine{true, "the kernel has the engine, and the CPU protection keys for it"};
}

Result<LoadRequest> Arguments::request() const {
  LoadRequest request;
  std::error_code error;
  request.file = std::filesystem::absolute(file, error).string();
  if (error) return Error{ErrorKind::bad_input, "cannot find " + file + ": " + error.message()};
  request.load = confine.load_options();
  if (confine.unconfined && !i_know) {
    return Error{ErrorKind::refused,
                 "an unconfined extension can do all that this process can; if you know what that means, add --i-know"};
  }
  request.xdp.device = device;
  request.xdp.entry = entry;
  request.xdp.attach = mode == "native"    ? xdp::AttachMode::native
                       : mode == "generic" ? xdp::AttachMode::generic
                                           : xdp::AttachMode::automatic;
  request.xdp.poll = poll == "spin"    ? xdp::PollMode::spin
                     : poll == "sleep" ? xdp::PollMode::sleep
                                       : xdp::PollMode::adaptive;
  if (copy || zero_copy) request.xdp.zero_copy = zero_copy;
  request.xdp.frames = frames;
  request.xdp.frame_size = frame_size;
  request.xdp.batch = batch;
  request.xdp.on_fault = on_fault == "detach" ? OnFault::detach : on_fault == "pass" ? OnFault::pass : OnFault::restart;
  request.xdp.max_restarts = max_restarts;
  return request;
}

// P, or P:FD.
Result<uffd::Target> find_target(const std::string& text) {
  const auto number = [&](std::string_view digits) {
    int value = -1;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size() || value < 0)
      throw CLI::ValidationError("--pid", text + " is neither a process nor PID:FD");
    return value;
  };
  const size_t colon = text.find(':');
  const int pid = number(std::string_view(text).substr(0, colon));
  std::optional<int> descriptor;
  if (colon != std::string::npos) descriptor = number(std::string_view(text).substr(colon + 1));
  return uffd::Target::of_process(pid, descriptor);
}

// Ctrl-C takes the socket away, too.
Result<uffd::Target> wait_for_sender(const std::string& path) {
  static std::string to_remove;
  to_remove = path;
  const auto remove = [](int number) {
    ::unlink(to_remove.c_str());
    ::_exit(128 + number);
  };
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::signal(number, remove);
  auto target = uffd::Target::of_sender(
      path, [&] { complain("vbpf: waiting at " + path + " for a process that sends its userfaultfd"); });
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::signal(number, SIG_DFL);
  return target;
}

Result<void> Arguments::add_process(LoadRequest& request) const {
  VBPF_TRY(uffd::Target target, listen.empty() ? find_target(process) : wait_for_sender(listen));
  request.target = std::make_shared<const uffd::Target>(std::move(target));
  request.uffd.entry = entry;
  if (!source.empty()) {
    std::error_code error;
    request.uffd.source = std::filesystem::absolute(source, error).string();
    if (error) return Error{ErrorKind::bad_input, "cannot find " + source + ": " + error.message()};
  }
  request.uffd.threads = threads;
  request.uffd.prefetch = prefetch;
  request.uffd.on_fault = request.xdp.on_fault;
  request.uffd.max_restarts = max_restarts;
  request.uffd.on_exit = on_exit == "zero"     ? uffd::OnExit::zero
                         : on_exit == "poison" ? uffd::OnExit::poison
                                               : uffd::OnExit::wait;
  return {};
}

Result<ResidentRequest> Arguments::resident_request(const std::string& as) const {
  VBPF_TRY(const LoadRequest common, request());
  ResidentRequest resident;
  resident.file = common.file;
  resident.hook = hook;
  resident.entry = entry;
  resident.xdp = common.xdp;
  if (hook == "uffd") {
    LoadRequest of_process;
    VBPF_CHECK(add_process(of_process));
    resident.target = of_process.target;
    resident.prefetch = prefetch;
    resident.load.source = of_process.uffd.source;
    VBPF_TRY(const std::vector<uffd::Range> ranges, of_process.target->ranges());
    resident.load.fill_size = static_cast<uint32_t>(uffd::largest_page(ranges, VBPF_USERFAULT_PAGE_MAX));
  }
  resident.load.name = as;
  resident.load.budget = common.load.budget;
  resident.load.init_budget = common.load.init_budget;
  resident.load.stack_size = common.load.stack_size;
  resident.load.heap_size = common.load.heap_size;
  resident.load.precise = precise;
  if (!copy_size.empty()) {
    const uint64_t bytes = parse_size(copy_size);
    resident.load.copy_size = bytes == 0 ? VBPF_COPY_NOTHING : static_cast<uint32_t>(std::min<uint64_t>(bytes, ~1u));
  }
  resident.load.on_fault = on_fault == "detach" ? VBPF_ON_FAULT_DETACH
                           : on_fault == "pass" ? VBPF_ON_FAULT_PASS
                                                : VBPF_ON_FAULT_RESTART;
  resident.load.max_restarts = max_restarts;
  return resident;
}

void print_resident(const Json& loaded, const std::string& reason) {
  const auto text = [&](const char* key) { return loaded[key].get<std::string>(); };
  if (loaded["hook"] == "plugin") {
    fmt::print("{} is loaded as extension {}: eBPF programs call it with vbpf_call()\n", text("name"),
               loaded["id"].get<uint32_t>());
  } else if (loaded["hook"] == "uffd") {
    fmt::print("{} answers the page faults of process {} in the kernel (descriptor {}, {} KiB registered)\n",
               text("name"), loaded["target_pid"].get<int>(), loaded["target_fd"].get<int>(),
               loaded["registered"].get<uint64_t>() >> 10);
  } else {
    fmt::print("{} is attached to {} (eBPF program {} calls it in the kernel)\n", text("name"), text("device"),
               loaded["prog_id"].get<uint32_t>());
  }
  fmt::print("engine: kernel: {}\nconfinement: {}: {}\n", reason, text("confinement"), text("confinement_reason"));
}

void print(const Json& loaded, const std::string& reason) {
  const auto text = [&](const char* key) { return loaded[key].get<std::string>(); };
  if (loaded["hook"] == "uffd") {
    fmt::print("{} serves descriptor {} of process {} ({} KiB registered) from {} thread{} of its worker\n",
               text("name"), loaded["target_fd"].get<int>(), loaded["target_pid"].get<int>(),
               loaded["registered"].get<uint64_t>() >> 10, loaded["threads"].get<uint32_t>(),
               loaded["threads"] == 1 ? "" : "s");
    fmt::print("engine: user: {}\nconfinement: {}: {}\n", reason, text("confinement"), text("confinement_reason"));
    return;
  }
  fmt::print("{} is attached to {} ({} XDP, {} queue{}, {})\n", text("name"), text("device"), text("mode"),
             loaded["queues"].get<uint32_t>(), loaded["queues"] == 1 ? "" : "s",
             loaded["zero_copy"] == true ? "zero-copy" : "copy");
  fmt::print("confinement: {}: {}\n", text("confinement"), text("confinement_reason"));
}

Result<void> check_hook(const Arguments& arguments) {
  const bool xdp = arguments.hook == "xdp", uffd = arguments.hook == "uffd";
  if (!xdp && !uffd && arguments.hook != "plugin")
    return Error{ErrorKind::bad_input, "hook " + arguments.hook + " is not known; this version has: xdp, uffd, plugin"};
  if (xdp && arguments.device.empty()) throw CLI::RequiredError("--dev");
  if (uffd && arguments.process.empty() && arguments.listen.empty()) throw CLI::RequiredError("--pid");
  const auto exclude = [&](const std::vector<CLI::Option*>& options) {
    if (const std::string one = given(options); !one.empty()) throw CLI::ExcludesError(one, "--hook " + arguments.hook);
  };
  if (!xdp) exclude(arguments.of_xdp);
  if (!uffd) exclude(arguments.of_uffd);
  return {};
}

Result<int> load(const Arguments& arguments) {
  VBPF_CHECK(check_hook(arguments));
  const std::string name =
      arguments.name.empty() ? std::filesystem::path(arguments.file).stem().string() : arguments.name;
  VBPF_TRY(const Engine engine, choose_engine(arguments));
  if (engine.kernel) {
    VBPF_TRY(const ResidentRequest request, arguments.resident_request(name));
    VBPF_TRY(const Json loaded, load_resident(request));
    if (json_wanted()) {
      print_json(loaded);
    } else {
      print_resident(loaded, engine.reason);
    }
    return exit_ok;
  }
  if (arguments.hook == "plugin") {
    return Error{ErrorKind::machine, "hook plugin is for eBPF programs, which call extensions in the kernel: " +
                                         engine.reason + "; a program calls its own with libvbpf"};
  }
  VBPF_TRY(LoadRequest request, arguments.request());
  if (arguments.hook == "uffd") VBPF_CHECK(arguments.add_process(request));
  VBPF_TRY(const std::vector<std::string> residents, kernel::resident_names());
  if (std::find(residents.begin(), residents.end(), name) != residents.end()) {
    return Error{ErrorKind::refused, name + " is loaded already, in the kernel; `vbpf unload " + name +
                                         "` first, or give this one another name with --name"};
  }
  if (arguments.confine.unconfined)
    complain(
        fmt::format("vbpf: WARNING: {} runs UNCONFINED: a bug in it, or its author, can do anything as root", name));
  VBPF_TRY(const Json loaded, launch(name, request));
  if (json_wanted()) {
    print_json(loaded);
  } else {
    print(loaded, engine.reason);
  }
  return exit_ok;
}

}  // namespace

Action add_load(CLI::App& command) {
  auto arguments = std::make_shared<Arguments>();
  command.add_option("FILE", arguments->file, "the extension object, made by vbpf-clang++")->required();
  command
      .add_option(
          "--hook", arguments->hook,
          "where to attach it: xdp; uffd: the page faults of a process; plugin: nowhere, eBPF programs call it (kernel "
          "engine)")
      ->capture_default_str();
  auto* process = command.add_option("--pid", arguments->process,
                                     "the process of hook uffd, or PID:FD where it has several userfaultfds");
  auto* listen = command.add_option("--listen", arguments->listen,
                                    "hook uffd: wait at this Unix socket for a process that sends its userfaultfd");
  listen->excludes(process);
  auto* source = command.add_option("--source", arguments->source, "hook uffd: a file that the extension can read");
  auto* threads =
      command.add_option("--threads", arguments->threads, "hook uffd, user engine: how many serve the descriptor");
  threads->capture_default_str();
  auto* prefetch =
      command.add_option("--prefetch", arguments->prefetch, "hook uffd: pages besides a fault's own, at most");
  prefetch->capture_default_str();
  auto* on_exit = command.add_option(
      "--on-exit", arguments->on_exit,
      "hook uffd, user engine: faults after it is unloaded: wait (for the program's handler), zero, poison");
  on_exit->check(CLI::IsMember({"wait", "zero", "poison"}));
  auto* device = command.add_option("--dev", arguments->device, "the network device of hook xdp");
  command
      .add_option("--engine", arguments->engine,
                  "where it runs: auto (in the kernel where that can, else in a process), kernel, user")
      ->check(CLI::IsMember({"auto", "kernel", "user"}));
  command.add_option("--name", arguments->name, "what the other verbs call it (the file's name without .o)");
  command.add_option("--entry", arguments->entry, "the function to attach (the only one in section xdp)");
  auto* mode = command.add_option("--mode", arguments->mode,
                                  "how to attach: auto (native where the driver can), native, generic");
  mode->check(CLI::IsMember({"auto", "native", "generic"}));
  auto* poll =
      command.add_option("--poll", arguments->poll, "waiting for packets: adaptive (spin, then sleep), spin, sleep")
          ->check(CLI::IsMember({"adaptive", "spin", "sleep"}));
  auto* copy = command.add_flag("--copy", arguments->copy, "copy packets, also where the driver could do without");
  auto* zero_copy =
      command.add_flag("--zero-copy", arguments->zero_copy, "fail where the driver cannot do without copies")
          ->excludes("--copy");
  auto* batch = command.add_option("--batch", arguments->batch, "packets per gate crossing, at most");
  batch->capture_default_str();
  auto* frames = command.add_option("--frames", arguments->frames, "packet buffers per queue, a power of two");
  frames->capture_default_str();
  auto* frame_size =
      command.add_option("--frame-size", arguments->frame_size, "bytes per buffer: 2048 or 4096 (by the device's MTU)");
  command
      .add_option("--on-fault", arguments->on_fault,
                  "after a fault: restart (a fresh instance), detach, pass (count it and go on)")
      ->check(CLI::IsMember({"restart", "detach", "pass"}));
  command.add_option("--max-restarts", arguments->max_restarts, "restarts within a minute before it is detached")
      ->capture_default_str();
  auto* precise = command.add_flag("--precise", arguments->precise,
                                   "kernel engine: end what is over its budget by a timer, not at the next tick");
  auto* copy_size = command.add_option("--packet-bytes", arguments->copy_size,
                                       "kernel engine: bytes of a packet the extension sees (as its manifest says)");
  arguments->confine.add(command);
  command.add_flag("--i-know", arguments->i_know, "confirms --unconfined");
  add_json(command);
  arguments->of_user_engine = {poll,
                               copy,
                               zero_copy,
                               batch,
                               frames,
                               frame_size,
                               threads,
                               on_exit,
                               command.get_option("--confine"),
                               command.get_option("--unconfined")};
  arguments->of_kernel_engine = {precise, copy_size};
  arguments->of_xdp = {device, mode, poll, copy, zero_copy, batch, frames, frame_size, copy_size};
  arguments->of_uffd = {process, listen, source, threads, prefetch, on_exit};
  return [arguments] { return load(*arguments); };
}

}  // namespace vbpf::cli
