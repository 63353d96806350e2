# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts: messages for people. Colours only on a terminal.
# shellcheck shell=bash

if [ -t 1 ] && [ "${TERM:-dumb}" != dumb ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' plain=$'\e[0m'
else
  bold='' dim='' red='' green='' yellow='' plain=''
fi
export bold dim red green yellow plain

# A step that takes a while.
step() { printf '%s==>%s %s\n' "$bold" "$plain" "$*"; }

# A line that the next one replaces, on a terminal; elsewhere an ordinary line.
progress() {
  if [ -t 1 ]; then printf '\r\e[K    %s' "$*"; else printf '    %s\n' "$*"; fi
}
progress_done() { if [ -t 1 ]; then printf '\r\e[K'; fi; }

complain() { printf '%serror:%s %s\n' "$red" "$plain" "$*" >&2; }

# fail STATUS MESSAGE: the exit codes are vbpf's, 1 failed, 2 usage, 3 this machine cannot.
fail() {
  local status=$1
  shift
  complain "$*"
  exit "$status"
}

# usage FILE: prints the comment at its head, from "Usage:" on.
usage() { sed -n '/^# Usage:/,/^[^#]/{s/^# \{0,1\}//p}' "$1"; }
