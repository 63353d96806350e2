// SPDX-License-Identifier: Apache-2.0
// Calling extensions from a signal handler.
#pragma once

#include <ucontext.h>

#include <cstddef>

namespace vbpf {

// Runs function(argument) for a handler of a signal that the thread has raised itself, so that signals of extensions
// can be handled meanwhile: they come on the alternate stack, on which the handler may be running. It must not block
// them; afterwards all signals are blocked if it was. What `argument`
// points to, `size` bytes, is copied to where it is safe and back. On return from the handler the thread keeps what
// entering an extension for the first time has set. False: no memory, or the stack is too deep; nothing was run.
bool call_from_handler(ucontext_t& context, void (*function)(void*), void* argument, size_t size);

}  // namespace vbpf
