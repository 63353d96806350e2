# SPDX-License-Identifier: Apache-2.0
# Sourced after say.sh: a guest in QEMU's software emulation, with a CPU that has protection keys.
# shellcheck shell=bash

qemu_pid=''

# To be called when the script ends: a guest ends with it.
end_guest() {
  if [ -z "$qemu_pid" ]; then return 0; fi  # by itself in a trap, return is what was before it
  kill "$qemu_pid" 2>/dev/null || true
  wait "$qemu_pid" 2>/dev/null || true
}

# run_qemu TIME-LIMIT ARGUMENTS...: waits; sets status, 124 for the time limit. Standard output is the guest's, if ARGUMENTS say so.
run_qemu() {
  local limit=$1
  shift
  # If this script is killed the guest goes with it.
  setpriv --pdeathsig TERM timeout --kill-after=5 "$limit" \
    qemu-system-x86_64 -cpu max -nodefaults -display none -no-reboot "$@" </dev/null &
  qemu_pid=$!
  status=0
  wait "$qemu_pid" || status=$?
  qemu_pid=''
  if [ "$status" = 137 ]; then status=124; fi
}

# accelerator CPUS ICOUNT: sets accel. With ICOUNT one CPU, whose time stamp counter ticks once for each instruction.
# shellcheck disable=SC2034  # for the caller
accelerator() {
  accel=(-accel 'tcg,thread=multi' -smp "$1")
  if [ -n "$2" ]; then accel=(-accel 'tcg,thread=single' -icount 'shift=0,sleep=off' -smp 1); fi
}

quote() {
  local word
  for word; do printf "'%s' " "${word//\'/\'\\\'\'}"; done
}
