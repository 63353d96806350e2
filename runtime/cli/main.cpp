// SPDX-License-Identifier: Apache-2.0
// vbpf: reads the command line, finds the verb, prints what went wrong.
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string_view>
#include <system_error>
#include <vector>

#include "output.h"
#include "verb.h"

namespace vbpf::cli {
namespace {

constexpr const char* exit_statuses =
    "Exit status: 0 ok, 1 refused or failed, 2 usage, 3 this machine cannot, 4 a bug in vbpf.";

int usage(const CLI::App& app, const CLI::ParseError& error) {
  const int status = error.get_exit_code();
  if (status == 0) {  // --help, --version
    app.exit(error);
    return exit_ok;
  }
  const CLI::App* at = &app;
  std::string help = "vbpf";
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    help += " " + at->get_name();
  }
  if (json_wanted()) print_json({{"error", {{"kind", "usage"}, {"message", error.what()}}}});
  complain(fmt::format("vbpf: {} (`{} --help` shows what is possible)", printable(error.what()), help));
  return exit_usage;
}

bool is_verb(std::string_view word) {
  return std::any_of(verbs().begin(), verbs().end(), [&](const Verb& verb) { return word == verb.name; });
}

int run(int count, char** arguments) {
  look_for_json(count, arguments);
  CLI::App app("Extensions of Linux in C++, confined by hardware.", "vbpf");
  app.set_version_flag("--version,-V", "vbpf " VBPF_VERSION);
  app.require_subcommand(1);
  app.footer(exit_statuses);
  std::vector<Action> actions;
  for (const Verb& verb : verbs()) {
    CLI::App* command = app.add_subcommand(verb.name, verb.summary);
    command->footer(exit_statuses);
    actions.push_back(verb.add(*command));
    if (verb.add == add_options) command->group("");  // not in the help
  }
  try {
    if (count > 1 && *arguments[1] != '-' && !is_verb(arguments[1]))
      throw CLI::ParseError(std::string("there is no verb '") + arguments[1] + "'", CLI::ExitCodes::ExtrasError);
    app.parse(count, arguments);
    for (size_t i = 0; i < actions.size(); ++i) {
      if (!app.got_subcommand(verbs()[i].name)) continue;
      const Result<int> done = actions[i]();
      return done ? *done : report(done.error());
    }
  } catch (const CLI::ParseError& error) {
    return usage(app, error);
  }
  return exit_internal;
}

// So that no file opened later becomes standard output or standard error.
void open_standard_files() {
  for (int file = 0; file <= 2; ++file) {
    if (::fcntl(file, F_GETFD) < 0) ::open("/dev/null", O_RDWR);  // the lowest free number: this one
  }
}

}  // namespace
}  // namespace vbpf::cli

int main(int count, char** arguments) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error of write()
  vbpf::cli::open_standard_files();
  try {
    return vbpf::cli::finish_output(vbpf::cli::run(count, arguments));
  } catch (const std::system_error& error) {
    if (std::ferror(stdout) != 0) return vbpf::cli::finish_output(vbpf::cli::exit_ok, error.code().value());
    return vbpf::cli::report({vbpf::ErrorKind::internal, error.what()});
  } catch (const std::exception& error) {
    return vbpf::cli::report({vbpf::ErrorKind::internal, error.what()});
  }
}
