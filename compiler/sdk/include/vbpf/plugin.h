/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin hook: functions that a host program calls through libvbpf, with up to six integer or pointer arguments.
 *
 *   VBPF_PLUGIN_ENTRY uint64_t add(uint64_t a, uint64_t b) { return a + b; }
 */
#ifndef VBPF_PLUGIN_H
#define VBPF_PLUGIN_H

#include "vbpf/vbpf.h"

#ifdef __cplusplus
#define VBPF_PLUGIN_ENTRY extern "C" __attribute__((section("plugin"), used, visibility("default")))
#else
#define VBPF_PLUGIN_ENTRY __attribute__((section("plugin"), used, visibility("default")))
#endif

#endif /* VBPF_PLUGIN_H */
