// SPDX-License-Identifier: Apache-2.0
// Between the command line and a worker: one line of JSON there, one back, over the socket in the worker's state
// folder. A request is {"verb": ..., ...}; an answer is {"ok": ...} or {"error": {"kind": ..., "message": ...}}.
#pragma once

#include <string>

#include "../output.h"
#include "file.h"

namespace vbpf::cli {

// What the worker of `name` answers. bad_input: no such extension is loaded.
Result<Json> ask(const std::string& name, const Json& request);

// Answers one client of a listening socket. `answer` gets the request and returns the value for "ok", or an error.
void serve_one(int listener, const std::function<Result<Json>(const Json&)>& answer);

Json error_json(const Error& error);
// The value of "ok", or the error.
Result<Json> unwrap(const Json& answer);

// Writes all; false when the other end is gone.
bool write_line(int descriptor, const Json& document);
// Up to a newline or the end; empty when nothing came in time or it is too long.
std::string read_line(int descriptor);

}  // namespace vbpf::cli
