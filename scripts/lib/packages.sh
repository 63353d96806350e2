# SPDX-License-Identifier: Apache-2.0
# Sourced by scripts/setup: which Debian 12 packages each purpose needs.
# shellcheck shell=bash disable=SC2034

# To build vBPF and extensions.
build_packages=(
  clang-19 lld-19 llvm-19 libc++-19-dev libc++abi-19-dev cmake ninja-build pkg-config
  libzydis-dev libzycore-dev libbpf-dev libxdp-dev libelf-dev libdw-dev libpcap-dev liblz4-dev
  libcli11-dev libfmt-dev nlohmann-json3-dev bpftool
)

# What scripts/quickstart runs besides.
quickstart_packages=("${build_packages[@]}" iproute2 iputils-ping ethtool socat)

# And to build a kernel with the engine, and boot it.
kernel_packages=(
  "${quickstart_packages[@]}"
  ccache qemu-system-x86 busybox-static cpio xz-utils
  linux-source-6.12 gcc make bc flex bison dwarves libssl-dev lz4 rsync patch
)

# Everything the tests and benchmarks need.
test_packages=(
  "${kernel_packages[@]}"
  libclang-rt-19-dev clang-format-19 clang-tidy-19 shellcheck git
  libgtest-dev libgmock-dev libbenchmark-dev
  procps iperf3 tcpdump stress-ng criu python3 kexec-tools
  mandoc zsh
)
