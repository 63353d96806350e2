# SPDX-License-Identifier: Apache-2.0
# Sourced after say.sh: apt-get with progress, patience for locks, and errors a person can act on.
# shellcheck shell=bash

readonly lock_patience=180  # seconds to wait for another package manager
apt_log=

# Reads apt's status lines; a terminal sees one moving line, a log every fifth of the way.
show_status() {
  local kind name percent _ last=-1 now
  while IFS=: read -r kind name percent _; do
    [[ $percent =~ ^[0-9]+ ]] || continue
    now=${BASH_REMATCH[0]}
    case $kind in
      dlstatus) kind=downloading ;;
      pmstatus) kind=installing ;;
      *) continue ;;
    esac
    if [ ! -t 1 ]; then
      now=$((now / 20 * 20))
      [ "$kind $now" != "$last" ] || continue
      last="$kind $now" name=
    fi
    progress "$kind ${now}% ${name}"
  done
  progress_done
}

apt() {
  DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout="$lock_patience" -o Dpkg::Options::=--force-confold \
    -o APT::Status-Fd=3 "$@" 3> >(show_status) >>"$apt_log" 2>&1 </dev/null
}

# apt waits for dpkg's lock itself, but not for that of its package lists.
update_lists() {
  local deadline=$((SECONDS + lock_patience)) from
  while true; do
    from=$(($(wc -l <"$apt_log") + 1))
    if apt update; then return 0; fi
    if ! tail -n "+$from" "$apt_log" | grep -q 'Could not get lock'; then return 1; fi
    if ((SECONDS > deadline)); then return 1; fi
    progress 'waiting for another package manager to finish'
    sleep 2
  done
}

explain_failure() {
  progress_done
  grep -E '^(E|Err|W):?' "$apt_log" | tail -n 3 >&2 || true
  if grep -qE 'Could not get lock|Unable to (acquire|lock)' "$apt_log"; then
    fail 1 "another package manager held its lock for $lock_patience s: wait until it has finished, then try again"
  elif grep -qE 'Could not resolve|Temporary failure|Unable to connect|Could not connect|timed out|unreachable' "$apt_log"; then
    fail 1 'the package servers cannot be reached: check the network and /etc/apt, then try again'
  elif grep -qE 'No space left|enough free space' "$apt_log"; then
    fail 1 'the disk is full: about 2 GB are needed'
  elif grep -qE 'Unable to locate package|has no installation candidate' "$apt_log"; then
    fail 1 'a package is not in your package lists: Debian 12 with main, updates and security is needed in /etc/apt'
  fi
  fail 1 "apt-get failed: its output is in $apt_log"
}

# with_fresh_lists ARGUMENTS...: apt-get ARGUMENTS. Lists that are absent or too old give "not found"; then once more with new ones.
with_fresh_lists() {
  apt_log=$(mktemp "${TMPDIR:-/tmp}/vbpf-apt.XXXXXX")
  if ! apt "$@"; then
    if ! update_lists || ! apt "$@"; then explain_failure; fi
  fi
  rm -f "$apt_log"
}
