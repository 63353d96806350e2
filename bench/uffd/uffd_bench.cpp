// SPDX-License-Identifier: Apache-2.0
// Page faults of 4 KiB by all ways of resolving them, in one run. The program that faults is a process of its own, as
// are those that vBPF serves; each fault is timed where it happens.
//
//   uffd_bench [--rounds N] [--pages N]
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "pager.h"
#include "snapshot.h"
#include "vbpf/pager.h"

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t page_size = 4096;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "uffd_bench: %s\n", what.c_str());
  std::exit(1);
}
void check(bool good, const char* what) {
  if (!good) fail(std::string(what) + ": " + std::strerror(errno));
}

enum class Way { anonymous, file, handler, signal, worker, faulting_thread };

struct Job {
  Way way = Way::anonymous;
  const char* object = nullptr;  // of a worker
  std::string source;            // a file: the handler's, the extension's, or what is mapped
  bool image = false;            // pages hold the source's bytes, not their number
  size_t pages = 0;
  std::vector<uint32_t> order;  // the pages that are touched
};

struct Measured {
  double seconds = 0, median_us = 0, p99_us = 0;
};

// ---- The program that faults ---------------------------------------------------------------------------------------

uint8_t* memory;
int descriptor = -1;
alignas(page_size) uint8_t page[page_size];

uint64_t address_of(const void* where) { return reinterpret_cast<uint64_t>(where); }

void give(uint64_t at) {
  const uint64_t number = (at - address_of(memory)) / page_size;
  std::memcpy(page, &number, sizeof(number));
  uffdio_copy copy{at, address_of(page), page_size, 0, 0};
  ::ioctl(descriptor, UFFDIO_COPY, &copy);
}

// What programs have: poll, read, copy.
[[noreturn]] void handle(int source) {
  for (;;) {
    pollfd waiting{descriptor, POLLIN, 0};
    ::poll(&waiting, 1, -1);
    uffd_msg message;
    if (::read(descriptor, &message, sizeof(message)) != sizeof(message)) continue;
    const uint64_t at = message.arg.pagefault.address & ~(page_size - 1);
    if (source < 0) {
      give(at);
      continue;
    }
    if (::pread(source, page, page_size, static_cast<off_t>(at - address_of(memory))) != page_size) std::abort();
    uffdio_copy copy{at, address_of(page), page_size, 0, 0};
    ::ioctl(descriptor, UFFDIO_COPY, &copy);
  }
}

// For the life of the process.
void page_by_extension(const char* object, size_t size) {
  const auto extension = vbpf::Extension::open(object, {});
  if (!extension) fail(extension.error().message);
  vbpf::PagerOptions options;
  options.place = vbpf::PagerPlace::faulting_thread;
  static std::unique_ptr<vbpf::Pager> pager;
  auto made = vbpf::Pager::page(*extension, {reinterpret_cast<std::byte*>(memory), size}, options);
  if (!made) fail(made.error().message);
  pager = std::move(*made);
}

void make_memory(const Job& job) {
  const size_t size = job.pages * page_size;
  const int file = job.way == Way::file ? ::open(job.source.c_str(), O_RDONLY) : -1;
  memory = static_cast<uint8_t*>(
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | (file < 0 ? MAP_ANONYMOUS : 0), file, 0));
  check(memory != MAP_FAILED, "mmap");
  ::madvise(memory, size, MADV_NOHUGEPAGE);
  if (job.way == Way::anonymous || job.way == Way::file) return;
  if (job.way == Way::faulting_thread) return page_by_extension(job.object, size);
  const int flags = O_CLOEXEC | O_NONBLOCK | (job.way == Way::signal ? UFFD_USER_MODE_ONLY : 0);
  descriptor = static_cast<int>(::syscall(SYS_userfaultfd, flags));
  check(descriptor >= 0, "userfaultfd");
  uffdio_api api{UFFD_API, job.way == Way::signal ? uint64_t{UFFD_FEATURE_SIGBUS} : 0, 0};
  uffdio_register all{{address_of(memory), size}, UFFDIO_REGISTER_MODE_MISSING, 0};
  check(::ioctl(descriptor, UFFDIO_API, &api) == 0 && ::ioctl(descriptor, UFFDIO_REGISTER, &all) == 0, "userfaultfd");
  if (job.way == Way::signal) {
    struct sigaction action{};
    action.sa_flags = SA_SIGINFO;
    action.sa_sigaction = [](int, siginfo_t* info, void*) { give(address_of(info->si_addr) & ~(page_size - 1)); };
    ::sigaction(SIGBUS, &action, nullptr);
  }
  if (job.way != Way::handler) return;
  const int source = job.image ? ::open(job.source.c_str(), O_RDONLY) : -1;
  std::thread([source] { handle(source); }).detach();
}

[[noreturn]] void fault(const Job& job, int begin, int result) {
  make_memory(job);
  char byte = 0;
  if (::write(result, &byte, 1) != 1 || ::read(begin, &byte, 1) != 1) std::abort();
  std::vector<double> times;
  times.reserve(job.order.size());
  uint64_t wrong = 0;
  const auto start = Clock::now();
  auto before = start;
  for (const uint32_t number : job.order) {
    auto* const at = reinterpret_cast<volatile uint64_t*>(memory + number * page_size);
    *at = *at + 1;
    const auto now = Clock::now();
    times.push_back(std::chrono::duration<double, std::micro>(now - before).count());
    before = now;
    wrong += job.way != Way::anonymous && *at != uint64_t{number} + 1;
  }
  Measured measured;
  measured.seconds = std::chrono::duration<double>(before - start).count();
  std::sort(times.begin(), times.end());
  measured.median_us = times[times.size() / 2];
  measured.p99_us = times[times.size() * 99 / 100];
  if (wrong != 0) measured.seconds = -1;
  if (::write(result, &measured, sizeof(measured)) != sizeof(measured)) std::abort();
  ::_exit(0);
}

// ---- Beside it -----------------------------------------------------------------------------------------------------

std::unique_ptr<vbpf::uffd::Pager> serve(const Job& job, pid_t process) {
  auto extension = vbpf::Extension::open(job.object, {});
  if (!extension) fail(extension.error().message);
  auto target = vbpf::uffd::Target::of_process(process, {});
  if (!target) fail(target.error().message);
  vbpf::uffd::Options options;
  options.source = job.source;
  auto pager = vbpf::uffd::Pager::attach(*extension, std::move(*target), options, [](const vbpf::Event&) {});
  if (!pager) fail(pager.error().message);
  return std::move(*pager);
}

Measured measure(const Job& job) {
  int begin[2], result[2];
  check(::pipe(begin) == 0 && ::pipe(result) == 0, "pipe");
  const pid_t process = ::fork();
  if (process == 0) fault(job, begin[0], result[1]);
  char byte = 0;
  check(::read(result[0], &byte, 1) == 1, "the program that faults");
  std::unique_ptr<vbpf::uffd::Pager> pager;
  if (job.way == Way::worker) pager = serve(job, process);
  Measured measured;
  check(::write(begin[1], &byte, 1) == 1 && ::read(result[0], &measured, sizeof(measured)) == sizeof(measured),
        "the program that faults");
  ::waitpid(process, nullptr, 0);
  for (const int end : {begin[0], begin[1], result[0], result[1]}) ::close(end);
  if (measured.seconds < 0) fail("a page held wrong bytes");
  return measured;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.size() % 2 != 0 ? values[values.size() / 2]
                                : (values[values.size() / 2 - 1] + values[values.size() / 2]) / 2;
}

struct Row {
  const char* name;
  Job job;
  const char* target;
  std::vector<double> per_second{}, median_us{}, p99_us{}, ratio{}, milliseconds{};
};

std::vector<uint32_t> sequence(size_t pages) {
  std::vector<uint32_t> order(pages);
  std::iota(order.begin(), order.end(), 0u);
  return order;
}
std::vector<uint32_t> shuffled(size_t pages, size_t count) {
  std::vector<uint32_t> order = sequence(pages);
  std::shuffle(order.begin(), order.end(), std::minstd_rand(1));
  order.resize(count);
  return order;
}

// Ratios are against the row named `base`, of the same round.
void run(std::vector<Row>& rows, size_t base, int rounds) {
  for (int round = 0; round < rounds; ++round) {
    std::vector<double> seconds;
    for (Row& row : rows) {
      const Measured measured = measure(row.job);
      seconds.push_back(measured.seconds);
      row.per_second.push_back(static_cast<double>(row.job.order.size()) / measured.seconds);
      row.median_us.push_back(measured.median_us);
      row.p99_us.push_back(measured.p99_us);
      row.milliseconds.push_back(measured.seconds * 1000);
    }
    for (size_t i = 0; i < rows.size(); ++i) rows[i].ratio.push_back(seconds[base] / seconds[i]);
  }
}

void print_rates(const char* title, const std::vector<Row>& rows) {
  std::printf(
      "\n| %s | faults a second | median µs | p99 µs | × handler thread | target |\n|---|---|---|---|---|---|\n",
      title);
  for (const Row& row : rows) {
    std::printf("| %s | %.0f | %.1f | %.1f | %.2f | %s |\n", row.name, median(row.per_second), median(row.median_us),
                median(row.p99_us), median(row.ratio), row.target);
  }
}

void print_overhead(const Row& row, const Row& bare) {
  std::vector<double> ratios;
  for (size_t i = 0; i < row.milliseconds.size(); ++i) ratios.push_back(row.milliseconds[i] / bare.milliseconds[i]);
  std::printf("\n%s: %.2f × the time of %s (target ≤ 1.15 ×)\n", row.name, median(ratios), bare.name);
}

// Raw, page by page its number and what follows from it; and the same as a snapshot.
class Images {
 public:
  explicit Images(size_t pages) {
    char name[] = "/tmp/vbpf-uffd-bench-XXXXXX";
    check(::mkdtemp(name) != nullptr, "mkdtemp");
    folder_ = name;
    raw = folder_ + "/raw";
    snap = folder_ + "/snap";
    FILE* raw_file = std::fopen(raw.c_str(), "w");
    FILE* snap_file = std::fopen(snap.c_str(), "w");
    check(raw_file != nullptr && snap_file != nullptr, "an image");
    const uint64_t first = sizeof(snapshot::Header) + pages * sizeof(uint64_t);
    const snapshot::Header header{snapshot::magic, page_size, pages, 0};
    std::fwrite(&header, sizeof(header), 1, snap_file);
    for (uint64_t i = 0; i < pages; ++i) {
      const uint64_t offset = first + i * page_size;
      std::fwrite(&offset, sizeof(offset), 1, snap_file);
    }
    std::vector<uint64_t> words(page_size / sizeof(uint64_t));
    for (uint64_t i = 0; i < pages; ++i) {
      for (size_t j = 0; j < words.size(); ++j) words[j] = i * (j + 1);
      words[0] = i;
      std::fwrite(words.data(), page_size, 1, raw_file);
      std::fwrite(words.data(), page_size, 1, snap_file);
    }
    const bool good = std::fclose(raw_file) == 0 && std::fclose(snap_file) == 0;
    check(good, "an image");
  }
  ~Images() {
    for (const std::string& file : {raw, snap}) ::unlink(file.c_str());
    ::rmdir(folder_.c_str());
  }
  Images(const Images&) = delete;
  Images& operator=(const Images&) = delete;
  std::string raw, snap;

 private:
  std::string folder_;
};

int run_all(int rounds, size_t pages) {
  const Images images(pages);
  for (const bool random : {false, true}) {
    const std::vector<uint32_t> order = random ? shuffled(pages, pages) : sequence(pages);
    const auto job = [&](Way way, const char* object = nullptr, const std::string& source = {}) {
      return Job{way, object, source, false, pages, order};
    };
    std::vector<Row> rows = {
        {"handler thread: poll, read, COPY", job(Way::handler), ""},
        {"worker", job(Way::worker, NUMBER_OBJECT), "≥ 1.5 ×"},
        {"plain anonymous memory", job(Way::anonymous), ""},
        {"private mapping of a file", job(Way::file, nullptr, images.raw), ""},
        {"SIGBUS and COPY in the thread", job(Way::signal), ""},
        {"extension in the thread that faults", job(Way::faulting_thread, NUMBER_OBJECT), ""},
    };
    if (!random) rows.insert(rows.begin() + 2, {"worker, 63 pages ahead", job(Way::worker, AHEAD_OBJECT), "≥ 4 ×"});
    run(rows, 0, rounds);
    print_rates(random ? "random" : "sequential", rows);
    print_overhead(rows[rows.size() - 1], rows[rows.size() - 2]);
  }
  const std::vector<uint32_t> quarter = shuffled(pages, pages / 4);
  std::vector<Row> rows = {
      {"handler thread with pread", {Way::handler, nullptr, images.raw, true, pages, quarter}, ""},
      {"worker, snapshot_pager", {Way::worker, SNAPSHOT_OBJECT, images.snap, true, pages, quarter}, ""},
      {"private mapping of the file", {Way::file, nullptr, images.raw, true, pages, quarter}, ""},
  };
  run(rows, 0, rounds);
  std::printf("\n| a quarter of a snapshot of %zu MiB, at random | ms | × handler thread |\n|---|---|---|\n",
              pages * page_size >> 20);
  for (const Row& row : rows)
    std::printf("| %s | %.1f | %.2f |\n", row.name, median(row.milliseconds), median(row.ratio));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  int rounds = 7;
  size_t pages = 65536;
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    if (i + 1 < argc && name == "--rounds") {
      rounds = std::atoi(argv[i + 1]);
    } else if (i + 1 < argc && name == "--pages") {
      pages = std::strtoul(argv[i + 1], nullptr, 10);
    } else {
      std::fprintf(stderr, "usage: uffd_bench [--rounds N] [--pages N]\n");
      return 2;
    }
  }
  if (rounds < 1 || pages < 64) fail("at least one round and 64 pages");
  return run_all(rounds, pages);
}
