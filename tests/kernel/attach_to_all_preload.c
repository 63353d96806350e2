// SPDX-License-Identifier: Apache-2.0
// See attach_to_all.cpp: after a handshake the extension of ATTACH_EXTENSION is attached to the userfaultfd.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <linux/vbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef int ioctl_function(int, unsigned long, ...);

// SIGBUS mode reports nothing: such a descriptor is left alone.
static void attach(ioctl_function* next, int descriptor) {
  const char* const extension = getenv("ATTACH_EXTENSION");
  if (extension == NULL) return;
  __u32 id = (__u32)atoi(extension);
  const int device = open(VBPF_DEVICE, O_RDWR | O_CLOEXEC);
  const int opened = next(device, VBPF_IOC_OPEN, &id);
  struct vbpf_attach request = {descriptor, 0, 64, (__u32)getpid()};
  if (opened < 0 || (next(opened, VBPF_EXT_UFFD, &request) != 0 && errno != EINVAL)) {
    perror("attach_to_all");
    abort();
  }
  close(opened);
  close(device);
}

int ioctl(int descriptor, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  ioctl_function* const next = (ioctl_function*)dlsym(RTLD_NEXT, "ioctl");
  const int result = next(descriptor, request, argument);
  const int error = errno;
  if (request == UFFDIO_API && result == 0) attach(next, descriptor);
  errno = error;
  return result;
}
