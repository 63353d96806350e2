// SPDX-License-Identifier: Apache-2.0
#include "state_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "chain.h"

namespace vbpf::cli {
namespace {

constexpr size_t longest_name = 64;
constexpr const char* usual_run_folder = "/run/vbpf";

Error cannot_write(const std::string& path) {
  const int error = errno;
  std::string text = "cannot write " + path + ": " + std::strerror(error);
  if (error == EACCES || error == EPERM) return {ErrorKind::refused, text + "; run as root"};
  if (error == ENOSPC || error == EDQUOT) text += "; make room there, or set VBPF_RUN_DIR to another folder";
  if (error == EROFS) text += "; set VBPF_RUN_DIR to a folder that can be written";
  return {ErrorKind::machine, text};
}

bool same_file(int descriptor, const std::string& path) {
  struct stat opened{}, named{};
  return ::fstat(descriptor, &opened) == 0 && ::stat(path.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
         opened.st_ino == named.st_ino;
}

}  // namespace

Result<void> check_name(const std::string& name) {
  const auto fine = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
  };
  if (!name.empty() && name.size() <= longest_name && name[0] != '.' && name[0] != '-' &&
      std::all_of(name.begin(), name.end(), fine)) {
    return {};
  }
  return Error{ErrorKind::bad_input, "'" + name +
                                         "' is no name for an extension: letters, digits, '_', '.' and '-', not "
                                         "beginning with '.' or '-', at most 64; give one with --name"};
}

std::string run_folder() {
  const char* other = std::getenv("VBPF_RUN_DIR");
  return other != nullptr && *other != 0 ? other : usual_run_folder;
}

std::string state_path(const std::string& name) { return run_folder() + "/" + name; }

Result<StateFolder> StateFolder::claim(const std::string& name) {
  VBPF_CHECK(check_name(name));
  const std::string folder = std::filesystem::absolute(state_path(name)).string(), lock_path = folder + "/lock";
  int locked = 0;
  // Again when an owner deletes the folder between two steps of ours.
  for (int attempt = 0; attempt < 100; ++attempt) {
    if (::mkdir(run_folder().c_str(), 0755) != 0 && errno != EEXIST) return cannot_write(run_folder());
    const bool created = ::mkdir(folder.c_str(), 0700) == 0;
    if (!created && errno == ENOENT) continue;
    if (!created && errno != EEXIST) return cannot_write(folder);
    File lock(::open(lock_path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock && errno == ENOENT) continue;
    if (!lock) {
      const Error error = cannot_write(lock_path);
      if (created) ::rmdir(folder.c_str());
      return error;
    }
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
      // Whoever lists what is loaded holds the lock for a moment, to see whether an owner does.
      if (++locked < 10) {
        ::usleep(1000);
        continue;
      }
      std::string text = name;
      text.append(" is loaded already; `vbpf unload ").append(name);
      return Error{ErrorKind::refused, text.append("` first, or give this one another name with --name")};
    }
    if (!same_file(lock.get(), lock_path)) continue;
    StateFolder claimed(name, folder, std::move(lock));
    VBPF_CHECK(claimed.clear());
    return claimed;
  }
  return Error{ErrorKind::machine, "cannot claim " + folder + ": it is deleted again and again"};
}

Result<File> StateFolder::listen() const {
  File directory(::open(folder_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return cannot_write(folder_);
  File socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // Through the descriptor: a path of any length fits.
  std::snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/socket", directory.get());
  if (!socket || ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(socket.get(), 16) != 0) {
    return cannot_write(folder_ + "/socket");
  }
  return socket;
}

bool StateFolder::still_ours() const { return same_file(lock_.get(), folder_ + "/lock"); }

Result<void> StateFolder::clear() const {
  VBPF_CHECK(xdp::leave_recorded_chain(chain_record()));
  ::unlink(chain_record().c_str());
  ::unlink((folder_ + "/socket").c_str());
  return {};
}

void StateFolder::remove() const {
  if (!still_ours() || !clear()) return;
  ::unlink((folder_ + "/lock").c_str());
  ::rmdir(folder_.c_str());
  // The last one; a folder that somebody chose stays.
  if (run_folder() == usual_run_folder) ::rmdir(usual_run_folder);
}

Result<std::vector<std::string>> loaded_names() {
  std::vector<std::string> names;
  std::error_code error;
  const std::filesystem::directory_iterator entries(run_folder(), error);
  if (error == std::errc::no_such_file_or_directory) return names;
  if (error) return Error{ErrorKind::refused, "cannot read " + run_folder() + ": " + error.message()};
  for (const auto& entry : entries) {
    const std::string name = entry.path().filename().string();
    if (!check_name(name)) continue;
    File lock(::open((entry.path() / "lock").c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    // What we may not look into is somebody's: asking it says why not.
    if (!lock && errno != EACCES) continue;
    if (lock && ::flock(lock.get(), LOCK_SH | LOCK_NB) == 0) {
      lock.close();
      if (const auto stale = StateFolder::claim(name)) stale->remove();
      continue;
    }
    names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace vbpf::cli
