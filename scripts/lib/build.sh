# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts: configure and build with progress.
# shellcheck shell=bash

# Shows how far ninja is; what the compiler says goes through unchanged.
show_build() {
  local line last=-1 percent
  while IFS= read -r line; do
    if [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]]; then
      if [ "${BASH_REMATCH[1]}" = 0 ]; then continue; fi  # CMake is looked at again
      percent=$((BASH_REMATCH[1] * 100 / BASH_REMATCH[2]))
      if [ ! -t 1 ]; then percent=$((percent / 10 * 10)); fi
      if [ "$percent" != "$last" ]; then progress "building ${percent}%"; fi
      last=$percent
    elif [ "$line" != 'ninja: no work to do.' ]; then
      progress_done
      printf '%s\n' "$line"
    fi
  done
  progress_done
}

# build FOLDER OPTIONS... [-- TARGETS...]: OPTIONS are CMake's; the source is in $top, which the script has set.
build() {
  local folder=$1 options=() log
  shift
  while [ $# != 0 ] && [ "$1" != -- ]; do
    options+=("$1")
    shift
  done
  if [ $# != 0 ]; then shift; fi
  mkdir -p "$folder"
  exec 8>"$folder/build.lock"
  if ! flock -n 8; then
    progress 'waiting for another build in the same folder'
    flock 8
    progress_done
  fi
  log=$folder/configure.log
  if ! cmake -S "${top:?}" -B "$folder" -G Ninja -DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19 "${options[@]}" \
    >"$log" 2>&1; then
    grep -A3 -m1 'CMake Error' "$log" >&2 || tail -n 5 "$log" >&2
    fail 1 "the build could not be configured: $log has everything"
  fi
  if ! ninja -C "$folder" "$@" 2>&1 | grep --line-buffered -v '^ninja: Entering directory' | show_build; then
    fail 1 'the build failed; what the compiler said is above'
  fi
  exec 8>&-
}
