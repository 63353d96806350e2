// SPDX-License-Identifier: Apache-2.0
#include "journal.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace vbpf::cli {

std::string time_text(std::chrono::system_clock::time_point time) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch());
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(time)),
                     ms.count() % 1000);
}

namespace {

const char* name_of(Event::Kind kind) {
  switch (kind) {
    case Event::Kind::fault:
      return "fault";
    case Event::Kind::restart:
      return "restart";
    case Event::Kind::aborted:
      return "aborted";
    case Event::Kind::detached:
      return "detached";
  }
  return "event";
}

}  // namespace

void Journal::append(const char* kind, std::string text, Time time) {
  bytes_ += text.size();
  lines_.push_back({next_++, time, kind, std::move(text)});
  while (lines_.size() > most_lines || bytes_ > most_bytes) {
    bytes_ -= lines_.front().text.size();
    lines_.pop_front();
  }
}

void Journal::begin_second(Limit& limit) {
  const auto now = std::chrono::steady_clock::now();
  if (now - limit.second < std::chrono::seconds(1)) return;
  if (limit.suppressed != 0) {
    append("suppressed", fmt::format("{} lines were left out", limit.suppressed), std::chrono::system_clock::now());
  }
  limit = {now, 0, 0};
}

void Journal::add(Limit& limit, const char* kind, std::string text) {
  const std::scoped_lock lock(mutex_);
  begin_second(limit);
  if (limit.lines >= lines_per_second) {
    ++limit.suppressed;
    return;
  }
  ++limit.lines;
  append(kind, std::move(text), std::chrono::system_clock::now());
}

void Journal::event(const Event& event) {
  std::string text = fmt::format("{} {}: {}", part_, event.queue, event.message);
  if (event.fault) text = fmt::format("{} {}: {}", part_, event.queue, fault_text(*event.fault, false));
  if (event.kind == Event::Kind::detached) {  // the last one
    const std::scoped_lock lock(mutex_);
    append(name_of(event.kind), std::move(text), event.time);
    return;
  }
  add(happened_, name_of(event.kind), std::move(text));
  if (!event.fault) return;
  const std::scoped_lock lock(mutex_);
  faults_.push_back(event);
  if (faults_.size() > most_faults) faults_.pop_front();
}

Json Journal::lines(uint64_t from) {
  const std::scoped_lock lock(mutex_);
  for (Limit* limit : {&said_, &happened_}) begin_second(*limit);
  Json all = Json::array();
  for (const Line& line : lines_) {
    if (line.number < from) continue;
    all.push_back(
        {{"number", line.number}, {"time", time_text(line.time)}, {"kind", line.kind}, {"text", printable(line.text)}});
  }
  return {{"lines", all}, {"next", next_}, {"suppressed", said_.suppressed + happened_.suppressed}};
}

Json Journal::faults(bool registers) const {
  const std::scoped_lock lock(mutex_);
  Json all = Json::array();
  for (const Event& event : faults_) {
    Json one{{"time", time_text(event.time)}, {part_, event.queue}};
    one.update(fault_json(*event.fault, registers));
    one["text"] = fault_text(*event.fault, registers);
    all.push_back(one);
  }
  return all;
}

}  // namespace vbpf::cli
