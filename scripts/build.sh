#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds mdvt: programs in build/bin, libraries in build/lib, the Python module in build/python.
# Installs what it needs first; quick when there is nothing to do.
#
# usage: scripts/build.sh [release|debug|asan] [--tests] [-DNAME=VALUE ...]
#   --tests   also the tests and benchmarks
#   -D...     passed to CMake
# MDVT_SKIP_DEPS=1 leaves the system's packages alone, MDVT_WERROR=ON makes warnings errors.
set -euo pipefail
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

preset=release
tests=0
options=()
defaults=()
for argument in "$@"; do
  case $argument in
    release | debug | asan) preset=$argument ;;
    --tests) tests=1 ;;
    -D*) options+=("$argument") ;;
    -h | --help) sed -n '3,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "build.sh: unknown option '$argument', try --help" >&2; exit 2 ;;
  esac
done

if [[ ${MDVT_SKIP_DEPS:-} != 1 ]]; then
  wanted=()
  ((!tests)) || wanted=(--test)
  "$root/scripts/deps.sh" "${wanted[@]}"
fi

build=$root/build
[[ $preset == release ]] || build=$root/build-$preset
[[ -z ${MDVT_WERROR:-} ]] || options+=("-DMDVT_WERROR=$MDVT_WERROR")
# In front of the user's own options: of two with one name CMake takes the last.
if ((tests)); then
  defaults=(-DMDVT_BUILD_TESTS=ON)
  [[ $preset == asan ]] || defaults+=(-DMDVT_BUILD_BENCHMARKS=ON)
elif [[ ! -f $build/CMakeCache.txt ]]; then
  defaults=(-DMDVT_BUILD_TESTS=OFF -DMDVT_BUILD_BENCHMARKS=OFF)
fi
options=(${defaults[@]+"${defaults[@]}"} ${options[@]+"${options[@]}"})

# A configured folder looks after itself: Ninja runs CMake again when a CMakeLists.txt changes.
cd "$root"
if [[ ! -f $build/build.ninja ]] || ((${#options[@]})); then
  say "configuring $build"
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  cmake --preset "$preset" "${options[@]}" >"$log" 2>&1 || { cat "$log"; exit 1; }
fi
say "building $build"
cmake --build "$build" --parallel "$(cores)"
