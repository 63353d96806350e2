// SPDX-License-Identifier: Apache-2.0
#include "children.h"

#include <fcntl.h>
#include <sys/epoll.h>

#include <array>

namespace vbpf::uffd {

Result<void> Children::start() {
  epoll_ = File(::epoll_create1(EPOLL_CLOEXEC));
  spare_ = File(::fcntl(epoll_.get(), F_DUPFD_CLOEXEC, 0));
  if (!epoll_ || !spare_) return system_error("no descriptors for children of the process", errno);
  return {};
}

void Children::tell(const Child& child, int descriptor, std::vector<Range> ranges) const {
  if (options_.on_child) options_.on_child({child.id, descriptor, std::move(ranges)});
}

bool Children::keep_spare() {
  const std::scoped_lock lock(spare_mutex_);
  if (!spare_) spare_ = File(::fcntl(epoll_.get(), F_DUPFD_CLOEXEC, 0));
  return static_cast<bool>(spare_);
}

bool Children::make_room() {
  const std::scoped_lock lock(spare_mutex_);
  if (!spare_) return false;
  spare_.close();
  return true;
}

Result<void> Children::adopt(int descriptor, Space& parent) {
  sweep();
  auto child = std::make_shared<Child>(++last_id_, Target::of_child(File(descriptor), parent.target), parent);
  Result<void> added = keep_spare() ? add(child) : Error{ErrorKind::machine, "there is no descriptor to spare"};
  if (added) return added;
  const bool poisoned =
      child->target.give_up(options_.on_exit, child->ranges.mappings()) && options_.on_exit != OnExit::zero;
  child.reset();
  keep_spare();
  return Error{added.error().kind, "the process has forked, and " + added.error().message +
                                       ": the child is not served, and pages it misses are " +
                                       (poisoned ? "poisoned: SIGBUS" : "pages of zeros")};
}

Result<void> Children::add(const std::shared_ptr<Child>& child) {
  {
    const std::scoped_lock lock(mutex_);
    if (children_.size() >= options_.max_children) {
      return Error{ErrorKind::refused,
                   std::to_string(options_.max_children) + " children are served already, which is the most"};
    }
    children_.emplace(child->id, child);
    count_ = children_.size();
  }
  changed(*child);
  int why = 0;
  {
    const std::scoped_lock lock(child->mutex);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = child->id;
    const bool added = child->is_removed ||  // it has ended already
                       ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, child->target.descriptor(), &event) == 0;
    if (!added) why = errno;
  }
  if (why == 0) return {};
  remove(*child);
  return system_error("no messages can be waited for", why);
}

void Children::remove(Child& child) {
  {
    const std::scoped_lock lock(mutex_);
    children_.erase(child.id);
    count_ = children_.size();
  }
  const std::scoped_lock lock(child.mutex);
  if (std::exchange(child.is_removed, true)) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, child.target.descriptor(), nullptr);
  tell(child, -1, {});
}

std::vector<std::shared_ptr<Child>> Children::ready() {
  std::array<epoll_event, 16> events{};
  const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), 0);
  std::vector<std::shared_ptr<Child>> found;
  const std::scoped_lock lock(mutex_);
  for (int i = 0; i < count; ++i) {
    const auto child = children_.find(events[static_cast<size_t>(i)].data.u64);
    if (child != children_.end()) found.push_back(child->second);
  }
  return found;
}

void Children::changed(Child& child) {
  const std::scoped_lock lock(child.mutex);
  if (!child.is_removed) tell(child, child.target.descriptor(), child.ranges.mappings());
}

std::vector<std::shared_ptr<Child>> Children::all() const {
  std::vector<std::shared_ptr<Child>> found;
  const std::scoped_lock lock(mutex_);
  found.reserve(children_.size());
  for (const auto& [id, child] : children_) found.push_back(child);
  return found;
}

bool Children::ask_again_later(Child& child, const Fault& fault) {
  {
    const std::scoped_lock lock(child.mutex);
    child.waiting[fault.page] = fault.page_size();
  }
  return !waiting_.exchange(true);
}

void Children::ask_again() {
  if (!waiting_.exchange(false)) return;
  for (const auto& child : all()) {
    std::map<uint64_t, uint64_t> waiting;
    {
      const std::scoped_lock lock(child->mutex);
      waiting.swap(child->waiting);
    }
    for (const auto& [page, size] : waiting) child->target.wake(page, size);
  }
}

// A descriptor is closed by the last who has the child: maybe a thread that serves it still.
void Children::sweep() {
  for (const auto& child : all()) {
    if (child->target.gone()) remove(*child);
  }
}

void Children::hand_back() {
  for (const auto& child : all()) {
    child->target.give_up(options_.on_exit, child->ranges.mappings());
    remove(*child);
  }
}

}  // namespace vbpf::uffd
