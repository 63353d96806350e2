// SPDX-License-Identifier: Apache-2.0
#include "target.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "poison.h"

namespace vbpf::uffd {
namespace {

Error of_pid(pid_t pid, const std::string& what, int number) {
  const std::string process = "process " + std::to_string(pid);
  if (number == ESRCH || number == ENOENT) return {ErrorKind::bad_input, process + " does not exist"};
  if (number == EPERM || number == EACCES)
    return {ErrorKind::refused, process + " is not ours to touch: run as root, or as its user where ptrace is allowed"};
  return {ErrorKind::machine, what + " of " + process + ": " + std::strerror(number)};
}

bool is_userfaultfd(const std::string& link) {
  char target[64];
  const ssize_t size = ::readlink(link.c_str(), target, sizeof(target));
  return size > 0 && std::string_view(target, static_cast<size_t>(size)) == "anon_inode:[userfaultfd]";
}

std::string folder_of(pid_t pid) { return "/proc/" + std::to_string(pid) + "/fd"; }

Result<std::vector<int>> userfaultfds_of(pid_t pid) {
  DIR* folder = ::opendir(folder_of(pid).c_str());
  if (folder == nullptr) return of_pid(pid, "the descriptors", errno);
  std::vector<int> found;
  while (const dirent* entry = ::readdir(folder)) {
    if (entry->d_name[0] == '.') continue;
    if (is_userfaultfd(folder_of(pid) + "/" + entry->d_name)) found.push_back(std::stoi(entry->d_name));
  }
  ::closedir(folder);
  std::sort(found.begin(), found.end());
  return found;
}

Result<int> choose(pid_t pid, std::optional<int> asked) {
  VBPF_TRY(const std::vector<int> all, userfaultfds_of(pid));
  std::string list;
  for (const int one : all) list += (list.empty() ? "" : ", ") + std::to_string(one);
  const std::string process = "process " + std::to_string(pid);
  if (!asked) {
    if (all.size() == 1) return all.front();
    if (all.empty()) return Error{ErrorKind::bad_input, process + " has no userfaultfd open"};
    return Error{ErrorKind::bad_input,
                 process + " has several userfaultfds, choose one with --pid " + std::to_string(pid) + ":FD: " + list};
  }
  if (std::find(all.begin(), all.end(), *asked) != all.end()) return *asked;
  return Error{ErrorKind::bad_input, "descriptor " + std::to_string(*asked) + " of " + process +
                                         " is not a userfaultfd; it has " + (list.empty() ? "none" : list)};
}

// A line of this process's fdinfo, without its name.
std::string fdinfo(int descriptor, const std::string& name) {
  std::ifstream file("/proc/self/fdinfo/" + std::to_string(descriptor));
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + ":\t")) return line.substr(name.size() + 2);
  }
  return "";
}

}  // namespace

uint64_t largest_page(const std::vector<Range>& ranges, uint64_t most) {
  uint64_t largest = 4096;
  for (const Range& range : ranges) {
    if (range.page_size <= most) largest = std::max(largest, range.page_size);
  }
  return largest;
}

Result<Target> Target::check(Target target, bool with_signals) {
  // API:features:ioctls
  uint64_t features = 0;
  if (std::sscanf(fdinfo(target.descriptor(), "API").c_str(), "%*x:%lx:", &features) != 1)
    return Error{ErrorKind::bad_input, "descriptor " + std::to_string(target.number_) + " is not a userfaultfd"};
  if ((features & feature_initialized) == 0) {
    return Error{ErrorKind::refused, "descriptor " + std::to_string(target.number_) +
                                         " has had no handshake: attach after the program's UFFDIO_API"};
  }
  target.features_ = features & ~feature_initialized;
  const bool has_signals = (target.features_ & UFFD_FEATURE_SIGBUS) != 0;
  if (with_signals && !has_signals) {
    return Error{
        ErrorKind::refused,
        "the program did not ask for SIGBUS in place of messages (UFFD_FEATURE_SIGBUS): its threads sleep until "
        "another answers"};
  }
  if (has_signals && !with_signals) {
    return Error{ErrorKind::refused,
                 "the program asked for SIGBUS in place of messages (UFFD_FEATURE_SIGBUS): nothing can be read"};
  }
  const int flags = ::fcntl(target.descriptor(), F_GETFL);
  target.blocking_ = flags >= 0 && (flags & O_NONBLOCK) == 0;
  return target;
}

Result<Target> Target::of_process(pid_t pid, std::optional<int> number) {
  Target target;
  target.pid_ = pid;
  target.process_ = File(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!target.process_) {
    if (errno == EINVAL)
      return Error{ErrorKind::bad_input, std::to_string(pid) + " is a thread: name its process (Tgid in its status)"};
    return of_pid(pid, "a descriptor", errno);
  }
  VBPF_TRY(target.number_, choose(pid, number));
  target.descriptor_ = File(static_cast<int>(::syscall(SYS_pidfd_getfd, target.process(), target.number_, 0)));
  if (!target.descriptor_) return of_pid(pid, "descriptor " + std::to_string(target.number_), errno);
  if (target.gone()) return of_pid(pid, "", ESRCH);  // another process may have its number by now
  return check(std::move(target));
}

namespace {

struct Sender {
  File descriptor;
  pid_t pid = 0;
};

// The first descriptor that comes with the first message.
Result<Sender> receive(int connection) {
  Sender sender;
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return system_error("cannot ask who has connected", errno);
  sender.pid = peer.pid;
  char bytes[4096];
  iovec data{bytes, sizeof(bytes)};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  if (::recvmsg(connection, &message, MSG_CMSG_CLOEXEC) < 0) return system_error("cannot read from the socket", errno);
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int))) {
    return Error{ErrorKind::bad_input, "process " + std::to_string(peer.pid) +
                                           " has connected, but sends no descriptor with its first message"};
  }
  int number = -1;
  std::memcpy(&number, CMSG_DATA(header), sizeof(number));
  sender.descriptor = File(number);
  return sender;
}

}  // namespace

Result<Target> Target::of_sender(const std::string& path, const std::function<void()>& when_ready) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path))
    return Error{ErrorKind::bad_input,
                 "a socket's path has 1 to " + std::to_string(sizeof(address.sun_path) - 1) + " bytes"};
  std::memcpy(address.sun_path, path.c_str(), path.size());
  const File socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) return system_error("no Unix socket", errno);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return Error{ErrorKind::bad_input, "cannot make the socket " + path + ": " + std::strerror(errno)};
  struct Removed {
    const std::string& path;
    ~Removed() { ::unlink(path.c_str()); }
  } const removed{path};
  ::chmod(path.c_str(), 0600);
  if (::listen(socket.get(), 1) != 0) return system_error("cannot listen at " + path, errno);
  when_ready();
  const File connection(::accept4(socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!connection) return system_error("nobody has connected to " + path, errno);
  VBPF_TRY(const Sender sender, receive(connection.get()));
  return of_descriptor(sender.descriptor.get(), sender.pid);
}

Result<Target> Target::of_descriptor(int descriptor, pid_t pid, bool with_signals) {
  Target target;
  target.number_ = descriptor;
  target.pid_ = pid;
  target.descriptor_ = File(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
  if (!target.descriptor_ || !is_userfaultfd("/proc/self/fd/" + std::to_string(descriptor)))
    return Error{ErrorKind::bad_input, "descriptor " + std::to_string(descriptor) + " is not a userfaultfd"};
  if (pid != ::getpid()) {
    target.process_ = File(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!target.process_) return of_pid(pid, "a descriptor", errno);
  }
  return check(std::move(target), with_signals);
}

Target Target::of_child(File descriptor, const Target& parent) {
  Target target;
  target.number_ = descriptor.get();
  target.descriptor_ = std::move(descriptor);
  target.features_ = parent.features_;
  // The program's own may block; this one is nobody else's.
  const int flags = ::fcntl(target.descriptor(), F_GETFL);
  ::fcntl(target.descriptor(), F_SETFL, flags | O_NONBLOCK);
  ::fcntl(target.descriptor(), F_SETFD, FD_CLOEXEC);
  return target;
}

Result<Target> Target::duplicate() const {
  Target target;
  target.descriptor_ = File(::fcntl(descriptor(), F_DUPFD_CLOEXEC, 0));
  if (process() >= 0) target.process_ = File(::fcntl(process(), F_DUPFD_CLOEXEC, 0));
  if (!target.descriptor_ || (process() >= 0 && !target.process_))
    return system_error("cannot duplicate a descriptor", errno);
  target.number_ = number_;
  target.pid_ = pid_;
  target.blocking_ = blocking_;
  target.features_ = features_;
  return target;
}

bool Target::gone() const {
  if (is_child()) return has_no_memory();
  pollfd waiting{process(), POLLIN, 0};
  return process() >= 0 && ::poll(&waiting, 1, 0) == 1;
}

// This does nothing else: nobody registers the last page of the address space.
bool Target::has_no_memory() const {
  constexpr uint64_t last_page = 0x7fffffffe000;
  uffdio_writeprotect nothing{{last_page, 4096}, 0};
  return ::ioctl(descriptor(), UFFDIO_WRITEPROTECT, &nothing) != 0 && errno == ESRCH;
}

Result<uint64_t> Target::pending() const {
  uint64_t count = 0;
  if (std::sscanf(fdinfo(descriptor(), "pending").c_str(), "%lu", &count) == 1) return count;
  return Error{ErrorKind::machine, "/proc/self/fdinfo does not say how many faults are pending"};
}

Result<std::vector<Range>> Target::ranges() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/smaps");
  if (!file) return of_pid(pid_, "the mappings", errno);
  std::vector<Range> all;
  Range current;
  for (std::string line; std::getline(file, line);) {
    uint64_t start = 0, end = 0, kilobytes = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &start, &end) == 2) {
      current = {};
      current.start = start;
      current.end = end;
    } else if (std::sscanf(line.c_str(), "KernelPageSize: %lu kB", &kilobytes) == 1) {
      current.page_size = kilobytes << 10;
    } else if (line.starts_with("VmFlags:")) {
      std::istringstream flags(line.substr(8));
      for (std::string flag; flags >> flag;) {
        current.missing |= flag == "um";
        current.write_protect |= flag == "uw";
        current.minor |= flag == "ui";
      }
      if (current.missing || current.write_protect || current.minor) all.push_back(current);
    }
  }
  return all;
}

void Target::wake(uint64_t start, uint64_t size) const {
  uffdio_range range{start, size};
  ::ioctl(descriptor(), UFFDIO_WAKE, &range);
}

void Target::hand_back(OnExit policy) const {
  const Result<std::vector<Range>> all = ranges();
  if (!all) return;  // the process has ended
  if (policy != OnExit::wait) give_up_forks(policy, *all);
  for (const Range& range : *all) {
    uffdio_range whole{range.start, range.end - range.start};
    if (policy == OnExit::zero) ::ioctl(descriptor(), UFFDIO_UNREGISTER, &whole);
    if (policy == OnExit::poison && range.missing) poison(range.start, range.end, range.page_size);
    wake(whole.start, whole.len);
  }
  if (policy != OnExit::wait) give_up_forks(policy, *all);
}

bool Target::give_up(OnExit policy, const std::vector<Range>& ranges) const {
  constexpr int most_tries = 1000;
  int why = EAGAIN;  // the address space is changing, until an event has been read
  for (int tries = 0; why == EAGAIN && tries < most_tries; ++tries) {
    if (tries != 0) ::usleep(1000);
    give_up_forks(policy, ranges);
    why = 0;
    for (const Range& range : ranges) {
      if (policy != OnExit::zero && range.missing && why == 0) why = poison(range.start, range.end, range.page_size);
    }
  }
  return why == 0 || why == ESRCH;
}

// Children that there are events about, so that no thread waits in fork() until they are read.
void Target::give_up_forks(OnExit policy, const std::vector<Range>& ranges) const {
  constexpr int most_messages = 65536;  // those of faults come again
  uffd_msg message;
  for (int i = 0; i < most_messages && !blocking(); ++i) {
    if (::read(descriptor(), &message, sizeof(message)) != sizeof(message)) return;
    if (message.event == UFFD_EVENT_PAGEFAULT) wake(message.arg.pagefault.address & ~uint64_t{4095}, 4096);
    if (message.event == UFFD_EVENT_FORK)
      of_child(File(static_cast<int>(message.arg.fork.ufd)), *this).give_up(policy, ranges);
  }
}

// The pages that are missing; 0, or an errno. Parts that are no registered mapping any more are left out.
int Target::poison(uint64_t start, uint64_t end, uint64_t page_size) const {
  for (uint64_t at = start; at < end;) {
    uffdio_poison poisoned{};
    poisoned.range = {at, end - at};
    if (::ioctl(descriptor(), UFFDIO_POISON, &poisoned) == 0) break;
    if (poisoned.updated > 0) {
      at += static_cast<uint64_t>(poisoned.updated);
    } else if (errno == EEXIST || (errno == ENOENT && end - at <= page_size)) {
      at += page_size;
    } else if (errno == ENOENT) {  // not all of it is one
      const uint64_t middle = at + (end - at) / page_size / 2 * page_size;
      if (const int why = poison(at, middle, page_size); why != 0) return why;
      at = middle;
    } else {
      return errno;
    }
  }
  return 0;
}

}  // namespace vbpf::uffd
