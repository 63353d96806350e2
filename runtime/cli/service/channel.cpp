// SPDX-License-Identifier: Apache-2.0
#include "channel.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "state_folder.h"

namespace vbpf::cli {
namespace {

constexpr size_t longest_line = 16 << 20;

void set_time_limit(int socket, time_t seconds) {
  const timeval limit{seconds, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

Error not_loaded(const std::string& name) {
  return {ErrorKind::bad_input, "no extension named " + name + " is loaded; `vbpf list` shows those that are"};
}

Result<File> connect_to(const std::string& name) {
  VBPF_CHECK(check_name(name));
  const std::string folder = state_path(name);
  const auto failed = [&]() -> Error {
    if (errno == EACCES || errno == EPERM)
      return {ErrorKind::refused, "not permitted to ask " + folder + "; run as root"};
    return not_loaded(name);
  };
  File directory(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return failed();
  File socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  set_time_limit(socket.get(), 5);  // also for connecting
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/socket", directory.get());
  if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return failed();
  return socket;
}

}  // namespace

bool write_line(int descriptor, const Json& document) {
  const std::string text = document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  for (size_t done = 0; done < text.size();) {
    const ssize_t sent = ::write(descriptor, text.data() + done, text.size() - done);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    done += static_cast<size_t>(sent);
  }
  return true;
}

std::string read_line(int descriptor) {
  std::string text;
  std::array<char, 4096> part;
  while (text.size() < longest_line) {
    const ssize_t got = ::read(descriptor, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return "";
    text.append(part.data(), static_cast<size_t>(got));
    if (const size_t end = text.find('\n'); end != std::string::npos) return text.substr(0, end);
  }
  return "";
}

Json error_json(const Error& error) {
  return {{"error", {{"kind", to_string(error.kind)}, {"message", error.message}}}};
}

Result<Json> unwrap(const Json& answer) {
  if (answer.contains("ok")) return answer["ok"];
  if (!answer.contains("error")) return Error{ErrorKind::internal, "the worker sent no answer that makes sense"};
  const std::string kind = answer["error"].value("kind", "internal");
  for (const ErrorKind known : {ErrorKind::bad_input, ErrorKind::refused, ErrorKind::machine}) {
    if (to_string(known) == kind) return Error{known, answer["error"].value("message", "")};
  }
  return Error{ErrorKind::internal, answer["error"].value("message", "")};
}

Result<Json> ask(const std::string& name, const Json& request) {
  VBPF_TRY(const File socket, connect_to(name));
  if (!write_line(socket.get(), request)) return not_loaded(name);
  errno = 0;
  const std::string line = read_line(socket.get());
  if (line.empty() && errno != EAGAIN) return not_loaded(name);  // it ended while we waited for our turn
  const Json answer = Json::parse(line, nullptr, false);
  if (answer.is_discarded() || !answer.is_object())
    return Error{ErrorKind::machine, "the worker of " + name + " does not answer"};
  return unwrap(answer);
}

void serve_one(int listener, const std::function<Result<Json>(const Json&)>& answer) {
  const File client(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
  if (!client) return;
  // The folder is root's: a client that does not speak is a bug, not an attack, and holds the worker for a second.
  set_time_limit(client.get(), 1);
  const Json request = Json::parse(read_line(client.get()), nullptr, false);
  if (request.is_discarded() || !request.is_object()) return;
  const Result<Json> value = answer(request);
  write_line(client.get(), value ? Json{{"ok", *value}} : error_json(value.error()));
}

}  // namespace vbpf::cli
