// SPDX-License-Identifier: Apache-2.0
#include "loaded.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace vbpf::cli_test {

std::string join(const Words& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

bool alive(pid_t process) {
  // Threads that have ended stay to be waited for; the first one may have ended before the others.
  std::error_code error;
  std::filesystem::directory_iterator threads("/proc/" + std::to_string(process) + "/task", error);
  for (; !error && threads != std::filesystem::directory_iterator(); threads.increment(error)) {
    std::ifstream file(threads->path() / "stat");
    std::string id, name, state;
    if (file >> id >> name >> state && state != "Z" && state != "X") return true;
  }
  return false;
}

pid_t pid_of(const Json& shown, const char* key) { return shown.at(key).get<pid_t>(); }

Background::Background(const Words& command) : process_(::fork()) {
  if (process_ != 0) return;
  // A terminal's foreground job: its signals go to a group of its own.
  ::setpgid(0, 0);
  const int file = ::open((folder_.path / "output").c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
  ::dup2(file, 1);
  ::dup2(file, 2);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

Background::~Background() {
  if (process_ <= 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

void Background::signal(int number) const {
  // Before the child has made its group, too.
  if (::kill(-process_, number) != 0) ::kill(process_, number);
}

int Background::wait() {
  int status = 0;
  ::waitpid(process_, &status, 0);
  process_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string Background::output() const {
  std::ifstream file(folder_.path / "output");
  return {std::istreambuf_iterator(file), {}};
}

namespace {

// The BPF objects that a process holds.
std::set<std::string> objects_of(pid_t process) {
  std::set<std::string> objects;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/fdinfo")) {
    std::ifstream file(entry.path());
    for (std::string key, value; file >> key; std::getline(file, value)) {
      if (key != "prog_id:" && key != "map_id:" && key != "link_id:") continue;
      file >> value;
      objects.insert(key + value);
    }
  }
  return objects;
}

bool exists(const std::string& object) {
  const size_t colon = object.find(':');
  const auto id = static_cast<uint32_t>(std::stoul(object.substr(colon + 1)));
  const std::string kind = object.substr(0, colon);
  const int found = kind == "prog_id"  ? bpf_prog_get_fd_by_id(id)
                    : kind == "map_id" ? bpf_map_get_fd_by_id(id)
                                       : bpf_link_get_fd_by_id(id);
  if (found < 0) return false;
  ::close(found);
  return true;
}

std::string make_run_folder(const std::filesystem::path& folder) {
  const std::string name = (folder / "run").string();
  std::filesystem::create_directory(name);
  ::setenv("VBPF_RUN_DIR", name.c_str(), 1);
  return name;
}

}  // namespace

Loading::Loading()
    : run_folder_(make_run_folder(folder_.path)),
      near_(network_.near, "near"),
      far_(network_.far, "far"),
      devices_(xdp_test::output_of("ip -n " + network_.near + " -br link | cut -d' ' -f1")) {}

Loading::~Loading() {
  vbpf({"unload", "--all"});
  ::unsetenv("VBPF_RUN_DIR");
}

std::string Loading::object(const std::string& name) {
  const std::string file = name + ".o";
  for (const std::filesystem::path folder : {XDP_EXTENSIONS, SERVICE_EXTENSIONS, SAMPLES_FOLDER}) {
    for (const auto& path : {folder / file, folder / name / file})
      if (std::filesystem::exists(path)) return path;
  }
  return name;
}

Words Loading::load_command(const std::string& name, const Words& more) const {
  Words command{"load", object(name), "--hook", "xdp", "--dev", "near"};
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

Answer Loading::load(const std::string& name, const Words& more) const { return in_near(load_command(name, more)); }

void Loading::must_load(const std::string& name, const Words& more) {
  Words with_json = more;
  with_json.emplace_back("--json");
  const Answer answer = load(name, with_json);
  ASSERT_EQ(answer.status, 0) << answer.err;
  objects_ = objects_of(pid_of(answer.json()));
  EXPECT_GE(objects_.size(), 3u) << "a program, a map and a link at least";
}

void Loading::expect_traffic_flows() const {
  for (const char verb : {'d', 'p'}) {
    far_.send(order(verb, 0, 99));
    EXPECT_EQ(order(verb, 0, 99), near_.receive());
  }
}

void Loading::expect_nothing_left() const {
  EXPECT_TRUE(wait([&] { return std::filesystem::is_empty(run_folder_); })) << "files are left";
  const auto processes = [&] { return xdp_test::output_of("ip netns pids " + network_.near); };
  EXPECT_TRUE(wait([&] { return processes().empty(); })) << "processes are left: " << processes();
  EXPECT_EQ(devices_, xdp_test::output_of("ip -n " + network_.near + " -br link | cut -d' ' -f1"));
  EXPECT_FALSE(has_program());
  for (const std::string& object : objects_) EXPECT_TRUE(wait([&] { return !exists(object); })) << object << " is left";
}

}  // namespace vbpf::cli_test
