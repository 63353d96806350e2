// SPDX-License-Identifier: Apache-2.0
#include "vbpf/source_line.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <random>
#include <thread>

#include "lookup.h"
#include "objects.h"

namespace {

using objects::Bytes;
using vbpf::source_line;
using vbpf::source_lines;
using vbpf::SourcePlace;
using vbpf::verifier::Variant;

const std::string programs = VBPF_TEST_PROGRAMS "/symbolize_";

std::string line_of(const Bytes& object, Variant variant, const std::string& symbol, uint64_t offset = 0) {
  const objects::Elf outer(object);
  const auto place =
      variant == Variant::sfi ? objects::Elf(outer.contents("vbpf.variant.sfi")).symbol(symbol) : outer.symbol(symbol);
  EXPECT_NE(place.size, 0u) << symbol;
  return source_line(object, variant, place.section, place.offset + offset);
}

size_t open_descriptors() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

TEST(SourceLine, NamesTheLineInBothVariants) {
  const Bytes object = objects::read("marked.o");
  for (const Variant variant : {Variant::user, Variant::sfi}) {
    EXPECT_EQ(line_of(object, variant, "marked_first"), "first.cpp:100");
    EXPECT_EQ(line_of(object, variant, "marked_second"), "second.h:200");
    EXPECT_EQ(line_of(object, variant, "marked_third"), "third.cpp:300");
  }
}

TEST(SourceLine, TheVariantsAreDifferentCode) {
  const Bytes object = objects::read("marked.o");
  const objects::Elf outer(object), inner(outer.contents("vbpf.variant.sfi"));
  EXPECT_NE(outer.symbol("marked_third").size, inner.symbol("marked_third").size);
  // The last byte of the longer one lies outside the other.
  const auto place = inner.symbol("marked_third");
  EXPECT_TRUE(
      source_line(object, Variant::sfi, place.section, place.offset + place.size - 1).starts_with("third.cpp:30"));
}

TEST(SourceLine, PlainObjectsOfClang) {
  for (const char* name : {"plain_g.o", "plain_g4.o", "plain_sections.o", "plain_compressed.o"}) {
    const Bytes object = objects::read(name);
    EXPECT_EQ(line_of(object, Variant::user, "plain_first"), "plain_first.cpp:10") << name;
    EXPECT_EQ(line_of(object, Variant::user, "plain_second"), "plain_second.cpp:20") << name;
    // An object without the variant's section is itself the variant.
    EXPECT_EQ(line_of(object, Variant::user, "plain_second"), source_line(object, Variant::sfi, "own_section", 0));
  }
}

TEST(SourceLine, UnknownIsEmpty) {
  const Bytes object = objects::read("plain_g.o");
  EXPECT_EQ(source_line(objects::read("plain_g0.o"), Variant::user, "own_section", 0), "");
  EXPECT_EQ(source_line(object, Variant::user, "no_such_section", 0), "");
  EXPECT_EQ(source_line(object, Variant::user, "", 0), "");
  EXPECT_EQ(source_line(object, Variant::user, "own_section\nown_section", 0), "");
  EXPECT_EQ(source_line(object, Variant::user, "own_section", uint64_t{1} << 40), "");
  EXPECT_EQ(source_line(object, Variant::user, "own_section", ~uint64_t{0}), "");
  EXPECT_EQ(source_line({}, Variant::user, ".text", 0), "");
  EXPECT_EQ(source_line(std::as_bytes(std::span("not an object")), Variant::sfi, ".text", 0), "");
  EXPECT_TRUE(source_lines(object, Variant::user, {}).empty());
}

TEST(SourceLine, AnswersManyPlacesInOrder) {
  const Bytes object = objects::read("plain_sections.o");
  const auto first = objects::Elf(object).symbol("plain_first");
  std::vector<SourcePlace> places;
  for (int i = 0; i < 1000; ++i) {
    places.push_back({first.section, first.offset});
    places.push_back({"nowhere", 0});
    places.push_back({"own_section", 0});
  }
  const auto lines = source_lines(object, Variant::user, places);
  ASSERT_EQ(lines.size(), places.size());
  for (size_t i = 0; i < lines.size(); i += 3) {
    ASSERT_EQ(lines[i], "plain_first.cpp:10");
    ASSERT_EQ(lines[i + 1], "");
    ASSERT_EQ(lines[i + 2], "plain_second.cpp:20");
  }
}

// Truncated at every length that matters, then 1000 times changed in some bytes: nothing happens to this process, and
// what is answered is a printable line.
TEST(SourceLine, HostileObjectsDoNoHarm) {
  const Bytes whole = objects::read("marked.o");
  const auto inner = objects::Elf(whole).symbol("marked_first");
  const std::vector<SourcePlace> places = {{inner.section, inner.offset}, {".text", 0}};
  const size_t descriptors = open_descriptors();
  const auto check = [&](const Bytes& object) {
    for (const std::string& line : source_lines(object, Variant::user, places)) {
      ASSERT_LE(line.size(), vbpf::symbolize::longest_line);
      for (const char c : line) ASSERT_TRUE(c >= ' ' && c <= '~');
    }
  };
  for (size_t i = 0; i < 64; ++i) check(Bytes(whole.begin(), whole.begin() + static_cast<long>(i * whole.size() / 64)));
  std::mt19937 random(1);
  for (int i = 0; i < 1000; ++i) {
    Bytes object = whole;
    // Half of them in the ELF header and the section headers, which are at the end.
    const bool tables = i % 2 == 0;
    const size_t tail = object.size() - std::min<size_t>(object.size(), 4096);
    for (unsigned k = 0; k < 1 + random() % 8; ++k) {
      const size_t place = !tables             ? random() % object.size()
                           : random() % 8 == 0 ? random() % 64
                                               : tail + random() % (object.size() - tail);
      object[place] = static_cast<std::byte>(random() % 3 == 0 ? 0xff : random());
    }
    check(object);
    if (HasFatalFailure()) return;
  }
  EXPECT_EQ(open_descriptors(), descriptors);
}

TEST(SourceLine, AProgramThatHangsIsKilled) {
  const Bytes object = objects::read("plain_g.o");
  const SourcePlace place{"own_section", 0};
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(vbpf::symbolize::look_up(programs + "hang", object, Variant::user, {&place, 1}, 200),
            std::vector<std::string>{""});
  const auto took = std::chrono::steady_clock::now() - before;
  EXPECT_GE(took, std::chrono::milliseconds(200));
  EXPECT_LT(took, std::chrono::milliseconds(2000));
  // Nothing of it is left: neither running nor to be waited for.
  EXPECT_EQ(waitpid(-1, nullptr, __WALL | WNOHANG), -1);
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::error_code error;
    EXPECT_NE(std::filesystem::read_symlink(entry.path() / "exe", error), std::filesystem::path(programs + "hang"));
  }
}

TEST(SourceLine, WhatAHijackedProgramAnswersIsNotTrusted) {
  const Bytes object = objects::read("plain_g.o");
  const SourcePlace place{"own_section", 0};
  const auto ask = [&](const std::string& program) {
    return vbpf::symbolize::look_up(program, object, Variant::user, {&place, 1}, 3000);
  };
  EXPECT_EQ(ask(programs + "flood"), std::vector<std::string>{""});
  EXPECT_EQ(ask(programs + "crash"), std::vector<std::string>{""});
  EXPECT_EQ(ask("/nonexistent/program"), std::vector<std::string>{""});
  EXPECT_EQ(ask(""), std::vector<std::string>{""});
  EXPECT_EQ(ask(programs + "lie").front().substr(0, 12), "?[31mred?xxx");
}

TEST(SourceLine, TheProgramGetsThreeFilesAndNothingElse) {
  const Bytes object = objects::read("plain_g.o");
  const SourcePlace place{"own_section", 0};
  const int inherited = open("/dev/null", O_RDONLY);  // without O_CLOEXEC, as careless hosts do
  setenv("LD_PRELOAD_OF_A_TEST", "x", 1);
  const auto lines = vbpf::symbolize::look_up(programs + "inspect", object, Variant::sfi, {&place, 1}, 3000);
  close(inherited);
  EXPECT_EQ(lines.front(), "0,1,3, environment 0 arguments 2 'vbpf.variant.sfi'");
}

TEST(SourceLine, FindsItsProgramByWhereItIsItself) {
  const std::string program = vbpf::symbolize::find_program();
  const auto self = std::filesystem::read_symlink("/proc/self/exe");
  EXPECT_EQ(program, self.parent_path().parent_path() / "lib/vbpf/vbpf-symbolize");
}

TEST(SourceLine, WorksWithoutStandardDescriptors) {
  const Bytes object = objects::read("plain_g.o");
  const pid_t child = fork();
  if (child == 0) {
    for (int fd = 0; fd < 3; ++fd) close(fd);
    _exit(source_line(object, Variant::user, "own_section", 0) == "plain_second.cpp:20" ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

std::atomic<int> child_signals = 0;

// A host with a SIGCHLD handler and a thread that waits for its children notices nothing.
TEST(SourceLine, TheHostDoesNotNoticeTheChild) {
  struct sigaction action{}, before{};
  action.sa_handler = [](int) { ++child_signals; };
  sigaction(SIGCHLD, &action, &before);
  std::atomic<bool> stop = false, reaped = false;
  std::thread waiter([&] {
    while (!stop) {
      if (waitpid(-1, nullptr, WNOHANG) != -1 || errno != ECHILD) reaped = true;
      std::this_thread::yield();
    }
  });
  sigset_t mask_before, mask_after;
  pthread_sigmask(SIG_BLOCK, nullptr, &mask_before);
  const Bytes object = objects::read("plain_g.o");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(source_line(object, Variant::user, "own_section", 0), "plain_second.cpp:20");
  pthread_sigmask(SIG_BLOCK, nullptr, &mask_after);
  stop = true;
  waiter.join();
  sigaction(SIGCHLD, &before, nullptr);
  EXPECT_FALSE(reaped);
  EXPECT_EQ(child_signals, 0);
  for (int signal = 1; signal < 32; ++signal)
    EXPECT_EQ(sigismember(&mask_before, signal), sigismember(&mask_after, signal));
}

TEST(SourceLine, WorksWhereSigchldIsIgnored) {
  const auto before = signal(SIGCHLD, SIG_IGN);
  EXPECT_EQ(source_line(objects::read("plain_g.o"), Variant::user, "own_section", 0), "plain_second.cpp:20");
  signal(SIGCHLD, before);
}

TEST(SourceLine, FromManyThreads) {
  const Bytes object = objects::read("plain_g.o");
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 10; ++k)
        right += source_line(object, Variant::user, "own_section", 0) == "plain_second.cpp:20";
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 80);
}

}  // namespace
