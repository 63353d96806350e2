// SPDX-License-Identifier: Apache-2.0
#include "verb.h"

namespace vbpf::cli {
namespace {

// In the order of the help.
constexpr Verb table[] = {
    {"load", "attach an extension to a hook", add_load},
    {"unload", "detach an extension", add_unload},
    {"list", "the extensions that are loaded", add_list},
    {"show", "one extension: how it is confined, what it is attached to, its last faults", add_show},
    {"stats", "what an extension decided, by verdict", add_stats},
    {"log", "lines an extension wrote, and what happened to it", add_log},
    {"run", "run an extension on packets of yours, without attaching it", add_run},
    {"verify", "say whether an object may be loaded, and if not, why", add_verify},
    {"doctor", "what this machine can do, and what to do about what it cannot", add_doctor},
    {"options", "the table of verbs and options, as JSON (for completion)", add_options},
};

}  // namespace

std::span<const Verb> verbs() { return table; }

}  // namespace vbpf::cli
