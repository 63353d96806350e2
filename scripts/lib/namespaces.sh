# SPDX-License-Identifier: Apache-2.0
# Sourced by scripts/quickstart: two network namespaces joined by a veth pair, client and server.
# shellcheck shell=bash

# Addresses that only documentation uses; the second of the client's is one the firewall sample denies.
readonly client_address=192.0.2.1 server_address=192.0.2.2 denied_address=203.0.113.1
readonly server_device=veth0

# Names hold the process's id, so that two runs do not meet.
client=vbpf-client-$$ server=vbpf-server-$$

in_client() { ip netns exec "$client" "$@"; }
in_server() { ip netns exec "$server" "$@"; }

make_namespaces() {
  local error
  if [ "$(id -u)" != 0 ]; then fail 1 'network namespaces and XDP need root: run it as root'; fi
  if ! error=$(ip netns add "$client" 2>&1 && ip netns add "$server" 2>&1); then
    fail 3 "network namespaces cannot be made here: $error"
  fi
  if ! error=$(ip -n "$client" link add veth0 type veth peer name "$server_device" netns "$server" 2>&1); then
    fail 3 "this kernel gives no veth devices: $error"
  fi
  ip -n "$client" address add "$client_address/24" dev veth0
  ip -n "$client" address add "$denied_address/24" dev veth0
  ip -n "$server" address add "$server_address/24" dev "$server_device"
  local pair
  for pair in "$client veth0" "$server $server_device"; do
    # shellcheck disable=SC2086  # two words
    set -- $pair
    ip -n "$1" link set lo up
    ip -n "$1" link set "$2" up
    # A veth leaves checksums to be filled in by hardware that is not there; XDP programs would see them unfinished.
    ip netns exec "$1" ethtool -K "$2" tx off >/dev/null
  done
  ip -n "$server" route add "${denied_address%.*}.0/24" dev "$server_device"  # answers find their way
}

# Ends what runs in a namespace. A worker that was still loading needs a moment to leave nothing behind.
end_processes() {
  local signal deadline
  for signal in TERM KILL; do
    ip netns pids "$1" | xargs -r kill "-$signal" 2>/dev/null
    deadline=$((SECONDS + 3))
    until [ -z "$(ip netns pids "$1")" ] || ((SECONDS > deadline)); do sleep 0.02; done
  done
}

remove_namespaces() {
  local name
  for name in "$client" "$server"; do
    if [ -e "/run/netns/$name" ]; then
      end_processes "$name"
      ip netns delete "$name"
    fi
  done
}
