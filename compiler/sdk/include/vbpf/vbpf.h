/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every extension may use, in C: the host's functions (imports.def says what each does) and the manifest.
 *
 *   VBPF_MANIFEST(.stack_size = 128 << 10, .heap_size = 256 << 20, .concurrency = VBPF_CONCURRENCY_SHARED);
 */
#ifndef VBPF_VBPF_H
#define VBPF_VBPF_H

#include <stdint.h>

#include "vbpf/abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VBPF_IMPORT(number, name, result, parameters) VBPF_IMPORT_ATTRIBUTES_##name result name parameters;
#define VBPF_IMPORT_ATTRIBUTES_vbpf_abort __attribute__((noreturn))
#define VBPF_IMPORT_ATTRIBUTES_vbpf_log_write
#define VBPF_IMPORT_ATTRIBUTES_vbpf_ktime_get_ns
#define VBPF_IMPORT_ATTRIBUTES_vbpf_get_prandom_u32
#define VBPF_IMPORT_ATTRIBUTES_vbpf_get_smp_processor_id
#define VBPF_IMPORT_ATTRIBUTES_vbpf_map_lookup
#define VBPF_IMPORT_ATTRIBUTES_vbpf_map_update
#define VBPF_IMPORT_ATTRIBUTES_vbpf_map_delete
#include "vbpf/imports.def"
#undef VBPF_IMPORT

#ifdef __cplusplus
}
#endif

/*
 * The manifest of the extension, at most once in all its files: the fields of struct vbpf_manifest that differ from the
 * default, in the structure's order (concurrency, packet, stack_size, heap_size). A second one does not link.
 */
#ifdef __cplusplus
#define VBPF_MANIFEST_LINKAGE extern "C"
#else
#define VBPF_MANIFEST_LINKAGE
#endif
#define VBPF_MANIFEST(...)                                                                                          \
  _Pragma("clang diagnostic push") _Pragma("clang diagnostic ignored \"-Wmissing-field-initializers\"")             \
      VBPF_MANIFEST_LINKAGE __attribute__((section(VBPF_SECTION_MANIFEST), used, visibility("hidden"), aligned(8))) \
      const struct vbpf_manifest vbpf_manifest_of_this_extension = {.magic = VBPF_MANIFEST_MAGIC,                   \
                                                                    .abi_version = VBPF_ABI_VERSION,                \
                                                                    .size = sizeof(struct vbpf_manifest),           \
                                                                    __VA_ARGS__} _Pragma("clang diagnostic pop")

#endif /* VBPF_VBPF_H */
