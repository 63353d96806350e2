# SPDX-License-Identifier: Apache-2.0
# Sourced after say.sh: Debian's source of Linux 6.12.
# shellcheck shell=bash

readonly kernel_package=linux-source-6.12
readonly kernel_archive=/usr/src/$kernel_package.tar.xz

kernel_source_version() { dpkg-query -W -f='${Version}\n' "$kernel_package"; }

need_kernel_tools() {
  local tool
  for tool in gcc make bc flex bison pahole ccache rsync patch; do
    command -v "$tool" >/dev/null || fail 1 "$tool is not installed: run scripts/setup"
  done
  if [ ! -e "$kernel_archive" ]; then fail 1 "$kernel_package is not installed: run scripts/setup"; fi
}

# unpack_kernel_source FOLDER: which does not exist yet.
unpack_kernel_source() {
  mkdir -p "$1"
  tar -xf "$kernel_archive" -C "$1" --strip-components=1
}

# apply_hooks PATCH FOLDER: exactly, or not at all.
apply_hooks() {
  local said
  if ! said=$(patch -p1 --fuzz=0 --force --dry-run -d "$2" <"$1" 2>&1); then
    printf '%s\n' "$said" >&2
    fail 1 "hooks.patch does not apply to $kernel_package $(kernel_source_version): the hunks that failed are above"
  fi
  patch -p1 --fuzz=0 --force -s -d "$2" <"$1"
}
