// SPDX-License-Identifier: Apache-2.0
// Faults and budget overruns arrive as signals. Those of an extension end its call; all others go to whoever had the
// signal before.
#pragma once

#include <sys/types.h>
#include <ucontext.h>

#include <csignal>
#include <cstdint>

#include "vbpf/result.h"

namespace vbpf {

// Handlers for SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP and one real-time signal, in front of the program's own.
// Handlers of the program that would run on the current stack, which may be an extension's, get SA_ONSTACK. Checked
// again at every call of this function, since the program may have installed handlers of its own meanwhile.
Result<void> install_signals();

// For this thread.
void unblock_signals();
// The same for a mask that is to be this thread's.
void keep_signals_unblocked(sigset_t& mask);

// Asked about a bus error at an address that is there, in code of the host. True: the access is to be tried again.
// Called in the handler, on the alternate stack if there is one, with all signals blocked but those of extensions.
using BusErrorHook = bool (*)(const siginfo_t& info, ucontext_t& context);
void set_bus_error_hook(BusErrorHook hook);

// Asks a thread to end the call that has this sequence number. False if there is no such thread.
bool send_budget_signal(pid_t tid, uint64_t sequence);

}  // namespace vbpf
