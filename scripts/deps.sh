#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the packages that mdvt is built from (Debian 12 and its relatives). Does nothing, quickly,
# when they are there.
#
# usage: scripts/deps.sh [--test] [--list]
#   --test  also what the tests, the fuzzers and the format check need
#   --list  print the packages and end
set -euo pipefail
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

packages=(
  # tools
  build-essential ccache cmake ninja-build pkg-config
  # libraries
  libass-dev libavcodec-dev libavfilter-dev libavformat-dev libavutil-dev libswresample-dev
  libceres-dev libeigen3-dev libhwy-dev libopencv-dev nettle-dev zlib1g-dev
  # the backend that runs networks, a plug-in
  libtorch-dev
  # the BLAS that uses both cores: Debian's default ones take three to ten times as long
  libopenblas0-openmp
  # Python module
  pybind11-dev python3 python3-dev python3-numpy
)
test_packages=(
  binutils clang-14 clang-format-14 ffmpeg fonts-dejavu-core git libbenchmark-dev libclang-rt-14-dev
  libgtest-dev llvm-14 locales nlohmann-json3-dev python3-torch
)

list=0
as_root=()
for argument in "$@"; do
  case $argument in
    --test) packages+=("${test_packages[@]}") ;;
    --list) list=1 ;;
    -h | --help) sed -n '3,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "deps.sh: unknown option '$argument', try --help" >&2; exit 2 ;;
  esac
done
if ((list)); then
  printf '%s\n' "${packages[@]}"
  exit 0
fi

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  fail "this system has no apt-get. Install a C++17 compiler, CMake 3.21, Ninja, pkg-config, FFmpeg 5
or newer, OpenCV 4, Eigen 3.4, Ceres 2.1, Highway 1.0, Nettle, zlib, LibTorch 1.13
or newer, pybind11 and NumPy with their
development files, then call scripts/build.sh with MDVT_SKIP_DEPS=1. Names in Debian 12:
  ${packages[*]}"
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $status == installed ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

install=(apt-get install -y --no-install-recommends "${missing[@]}")
if ((EUID != 0)); then
  command -v sudo >/dev/null || fail "run this as root:
  apt-get update && ${install[*]}"
  as_root=(sudo)
fi
say "installing: ${missing[*]}"
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "${install[@]}"
