/* SPDX-License-Identifier: Apache-2.0 */
/* host.cpp in C: host PLUGIN.o TEXT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "vbpf/libvbpf.h"

/* 0 and the number of words, or 1 and a message. */
static int count_words(vbpf_instance* plugin, const char* text, uint64_t* words) {
  vbpf_error* error = NULL;
  const size_t size = strlen(text);
  char* window = vbpf_instance_window(plugin, size + 1, -1, &error); /* memory of both sides */
  uint64_t entry;
  if (window == NULL || vbpf_instance_entry(plugin, "count_words", "plugin", &entry, &error) != 0) {
    fprintf(stderr, "%s\n", vbpf_error_get_message(error));
    vbpf_error_free(error);
    return 1;
  }
  memcpy(window, text, size + 1);
  const uint64_t arguments[] = {(uintptr_t)window, size};
  vbpf_fault* fault = NULL;
  if (vbpf_instance_call(plugin, entry, arguments, 2, words, &fault) != 0) {
    fprintf(stderr, "the plugin failed: %s in %s %s\n", vbpf_fault_kind_name(vbpf_fault_get_kind(fault)),
            vbpf_fault_get_symbol(fault), vbpf_fault_get_line(fault));
    vbpf_fault_free(fault);
    return 1;
  }
  return 0;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: %s PLUGIN.o TEXT\n", argv[0]);
    return 2;
  }
  vbpf_error* error = NULL;
  vbpf_extension* extension = vbpf_extension_open(argv[1], NULL, &error);
  vbpf_instance* plugin = extension != NULL ? vbpf_instance_create(extension, &error) : NULL;
  vbpf_extension_close(extension);
  if (plugin == NULL) {
    fprintf(stderr, "%s\n", vbpf_error_get_message(error));
    vbpf_error_free(error);
    return 1;
  }
  uint64_t words = 0;
  const int failed = count_words(plugin, argv[2], &words);
  vbpf_instance_destroy(plugin);
  if (!failed) printf("%" PRIu64 "\n", words);
  return failed;
}
