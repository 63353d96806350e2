# SPDX-License-Identifier: Apache-2.0
# Sourced by the tests of scripts/quickstart: starts it with folders of its own, and looks for what it left.
# shellcheck shell=bash
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${1:?a build folder is needed}
work=$(mktemp -d "${TMPDIR:-/tmp}/vbpf-quickstart-test.XXXXXX")
process=
trap 'if [ -n "$process" ]; then kill -INT -- "-$process" 2>/dev/null && wait "$process"; fi; rm -rf "$work"' EXIT
# A job has a process group of its own, as in a terminal, and does not ignore SIGINT.
set -m

failed() {
  printf '%s\n' "$*" >&2
  cat "$work/output" >&2
  exit 1
}

# Sets $process.
start() {
  mkdir -p "$work/tmp" "$work/run"
  : >"$work/output"
  TMPDIR=$work/tmp VBPF_RUN_DIR=$work/run "$top/scripts/quickstart" --build "$build" >"$work/output" 2>&1 &
  process=$!
}

# Sets $status.
# shellcheck disable=SC2034  # read by the tests
finish() {
  status=0
  wait "$process" || status=$?
  local ended=$process
  process=
  expect_nothing_of "$ended"
}

# Gone within a few seconds: an extension's last process removes its folder.
expect_nothing_of() {
  local deadline=$((SECONDS + 10)) left
  while true; do
    left=$(find "$work/tmp" "$work/run" -mindepth 1; find /run/netns -name "vbpf-*-$1" 2>/dev/null || true; pgrep -l -g "$1" || true)
    if [ -z "$left" ]; then return 0; fi
    if ((SECONDS > deadline)); then failed "this was left: $left"; fi
    sleep 0.1
  done
}
