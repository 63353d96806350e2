// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "output.h"
#include "service/launch.h"
#include "verb.h"

namespace vbpf::cli {
namespace {

struct Arguments {
  std::string file, hook = "xdp", device, name, entry, mode = "auto", poll = "adaptive", on_fault = "restart";
  bool copy = false, zero_copy = false, i_know = false;
  uint32_t frames = 2048, frame_size = 0, batch = 64, max_restarts = 10;
  ConfineOptions confine;

  Result<LoadRequest> request() const;
};

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
  request.xdp.on_fault = on_fault == "detach" ? xdp::OnFault::detach
                         : on_fault == "pass" ? xdp::OnFault::pass
                                              : xdp::OnFault::restart;
  request.xdp.max_restarts = max_restarts;
  return request;
}

void print(const Json& loaded) {
  const auto text = [&](const char* key) { return loaded[key].get<std::string>(); };
  fmt::print("{} is attached to {} ({} XDP, {} queue{}, {})\n", text("name"), text("device"), text("mode"),
             loaded["queues"].get<uint32_t>(), loaded["queues"] == 1 ? "" : "s",
             loaded["zero_copy"] == true ? "zero-copy" : "copy");
  fmt::print("confinement: {}: {}\n", text("confinement"), text("confinement_reason"));
}

Result<int> load(const Arguments& arguments) {
  if (arguments.hook != "xdp") {
    return Error{ErrorKind::bad_input, "hook " + arguments.hook + " is not known; this version has: xdp"};
  }
  VBPF_TRY(const LoadRequest request, arguments.request());
  const std::string name =
      arguments.name.empty() ? std::filesystem::path(request.file).stem().string() : arguments.name;
  if (arguments.confine.unconfined)
    complain(
        fmt::format("vbpf: WARNING: {} runs UNCONFINED: a bug in it, or its author, can do anything as root", name));
  VBPF_TRY(const Json loaded, launch(name, request));
  if (json_wanted()) {
    print_json(loaded);
  } else {
    print(loaded);
  }
  return exit_ok;
}

}  // namespace

Action add_load(CLI::App& command) {
  auto arguments = std::make_shared<Arguments>();
  command.add_option("FILE", arguments->file, "the extension object, made by vbpf-clang++")->required();
  command.add_option("--hook", arguments->hook, "where to attach it: xdp")->capture_default_str();
  command.add_option("--dev", arguments->device, "the network device")->required();
  command.add_option("--name", arguments->name, "what the other verbs call it (the file's name without .o)");
  command.add_option("--entry", arguments->entry, "the function to attach (the only one in section xdp)");
  command.add_option("--mode", arguments->mode, "how to attach: auto (native where the driver can), native, generic")
      ->check(CLI::IsMember({"auto", "native", "generic"}));
  command.add_option("--poll", arguments->poll, "waiting for packets: adaptive (spin, then sleep), spin, sleep")
      ->check(CLI::IsMember({"adaptive", "spin", "sleep"}));
  command.add_flag("--copy", arguments->copy, "copy packets, also where the driver could do without");
  command.add_flag("--zero-copy", arguments->zero_copy, "fail where the driver cannot do without copies")
      ->excludes("--copy");
  command.add_option("--batch", arguments->batch, "packets per gate crossing, at most")->capture_default_str();
  command.add_option("--frames", arguments->frames, "packet buffers per queue, a power of two")->capture_default_str();
  command.add_option("--frame-size", arguments->frame_size, "bytes per buffer: 2048 or 4096 (by the device's MTU)");
  command
      .add_option("--on-fault", arguments->on_fault,
                  "after a fault: restart (a fresh instance), detach, pass (count it and go on)")
      ->check(CLI::IsMember({"restart", "detach", "pass"}));
  command.add_option("--max-restarts", arguments->max_restarts, "restarts within a minute before it is detached")
      ->capture_default_str();
  arguments->confine.add(command);
  command.add_flag("--i-know", arguments->i_know, "confirms --unconfined");
  add_json(command);
  return [arguments] { return load(*arguments); };
}

}  // namespace vbpf::cli
