// SPDX-License-Identifier: GPL-2.0-only
// A verified eBPF program, called at each exec. It asks an extension about the path, in C++, and counts the answers.
// clang-format off: the helpers' header needs the kernel's types before it
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
// clang-format on

#define PATH_SIZE 256
#define CLASSES 8

extern __s64 vbpf_call(__u32 id, __u32 entry, void* buffer, __u32 buffer__sz) __ksym;

const volatile __u32 extension = 0; /* its id */
const volatile __u32 entry = 0;     /* the number of the entry */

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, CLASSES);
  __type(key, __u32);
  __type(value, __u64);
} classes SEC(".maps");

/* Calls that gave an error. */
__u64 failed = 0;

/* The format of the tracepoint sched:sched_process_exec. */
struct exec {
  __u64 common;
  __u32 filename; /* offset, and length in the upper half */
};

SEC("tracepoint/sched/sched_process_exec")
int count_exec(struct exec* context) {
  char path[PATH_SIZE] = {};
  bpf_probe_read_kernel_str(path, sizeof(path), (char*)context + (context->filename & 0xffff));
  __s64 answer = vbpf_call(extension, entry, path, sizeof(path));
  if (answer < 0 || answer >= CLASSES) {
    __sync_fetch_and_add(&failed, 1);
    return 0;
  }
  __u32 class = answer;
  __u64* count = bpf_map_lookup_elem(&classes, &class);
  if (count) __sync_fetch_and_add(count, 1);
  return 0;
}

char _license[] SEC("license") = "GPL";
