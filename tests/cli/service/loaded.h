// SPDX-License-Identifier: Apache-2.0
// A network on whose near device extensions are loaded, with a state folder of its own.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <thread>

#include "../../xdp/network.h"
#include "../command.h"

namespace vbpf::cli_test {

using xdp_test::Bytes;
using xdp_test::order;
using Words = std::vector<std::string>;

// Waits until the condition holds; false after five seconds.
template <typename Condition>
bool wait(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

std::string join(const Words& words);
bool alive(pid_t process);
pid_t pid_of(const Json& shown, const char* key = "pid");

// A program that runs beside the test, with one file for what it prints.
class Background {
 public:
  explicit Background(const Words& command);
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  void signal(int number) const;
  int wait();  // the exit status; 128 + n for signal n
  std::string output() const;

 private:
  const Folder folder_;
  pid_t process_;
};

class Loading : public testing::Test {
 protected:
  Loading();
  ~Loading() override;

  static std::string object(const std::string& name);  // of tests/extensions/xdp or service, or a sample
  // vbpf load of an object onto the near device.
  Words load_command(const std::string& name, const Words& more = {}) const;
  Answer load(const std::string& name = "obey", const Words& more = {}) const;
  void must_load(const std::string& name = "obey", const Words& more = {});
  Answer in_near(const Words& arguments) const { return vbpf(arguments, network_.near); }
  static Json show(const std::string& name = "obey") { return vbpf({"show", name, "--json"}).json(); }
  static Json total(const std::string& name = "obey") { return vbpf({"stats", name, "--json"}).json()["total"]; }
  static Json list() { return vbpf({"list", "--json"}).json(); }
  std::string near_link() const { return xdp_test::output_of("ip -n " + network_.near + " link show near"); }
  bool has_program() const { return near_link().find("prog/xdp") != std::string::npos; }
  // What the extension would drop arrives, and what passes: nobody looks at it.
  void expect_traffic_flows() const;
  // No process, file or device is there that was not there before, and no BPF program, map or link of the last worker
  // that must_load() started.
  void expect_nothing_left() const;

  const Folder folder_;
  const std::string run_folder_;
  const xdp_test::Network network_;
  const xdp_test::Tap near_, far_;
  const std::string devices_;
  std::set<std::string> objects_;  // "prog_id 5", as the kernel's fdinfo names them
};

}  // namespace vbpf::cli_test
