/* SPDX-License-Identifier: Apache-2.0 */
/* What libvbpf exports; everything else in it is hidden. */
#ifndef VBPF_EXPORT_H
#define VBPF_EXPORT_H

#define VBPF_API __attribute__((visibility("default")))

#endif /* VBPF_EXPORT_H */
