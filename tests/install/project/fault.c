/* SPDX-License-Identifier: Apache-2.0 */
/* Prints how an extension failed: fault FAULTY.o */
#include <stdio.h>

#include "vbpf/libvbpf.h"

int main(int argc, char** argv) {
  vbpf_error* error = NULL;
  vbpf_extension* extension = argc == 2 ? vbpf_extension_open(argv[1], NULL, &error) : NULL;
  vbpf_instance* instance = extension != NULL ? vbpf_instance_create(extension, &error) : NULL;
  uint64_t entry;
  if (instance == NULL || vbpf_instance_entry(instance, "fails", NULL, &entry, &error) != 0) {
    fprintf(stderr, "%s\n", vbpf_error_get_message(error));
    return 2;
  }
  const uint64_t null = 0;
  vbpf_fault* fault = NULL;
  if (vbpf_instance_call(instance, entry, &null, 1, NULL, &fault) != 1) return 3;
  printf("%s %s %s\n", vbpf_fault_kind_name(vbpf_fault_get_kind(fault)), vbpf_fault_get_symbol(fault),
         vbpf_fault_get_line(fault));
  vbpf_fault_free(fault);
  vbpf_instance_destroy(instance);
  vbpf_extension_close(extension);
  return 0;
}
