#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds everything and runs the tests; ends with the summary of ctest.
#
# usage: scripts/test.sh [release|debug|asan] [options of ctest ...]
#   scripts/test.sh -L unit     only the tests of one kind: unit, long (whole jobs), cli, abi,
#                               python, headers, fuzz, fault or slow
#   scripts/test.sh -R core/    only the tests whose names match
# Clips with known depth are looked for in $MDVT_DATA, else in ../shared/data; without them the tests
# that want them are skipped.
set -euo pipefail
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

preset=release
case ${1:-} in
  release | debug | asan) preset=$1; shift ;;
  -h | --help) sed -n '3,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac

"$root/scripts/build.sh" "$preset" --tests
build=$root/build
[[ $preset == release ]] || build=$root/build-$preset
say "testing $build"
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export LSAN_OPTIONS=${LSAN_OPTIONS:-suppressions=$root/tests/support/leaks.supp:print_suppressions=0}
ctest --test-dir "$build" --output-on-failure --parallel "$(cores)" "$@"
