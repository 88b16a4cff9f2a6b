#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Lays out the sources with clang-format 14 (other versions lay them out differently).
#
# usage: scripts/format.sh [--check]
#   --check  change nothing; exit status 1 if a file would change
set -euo pipefail
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

tool=$(command -v clang-format-14 || command -v clang-format || true)
[[ -n $tool ]] || fail "clang-format is missing: scripts/deps.sh --test installs it"
"$tool" --version | grep -q 'version 14\.' || fail "need clang-format 14, found $("$tool" --version)"

cd "$root"
mapfile -d '' files < <(find include src capi backends examples bindings tests benchmarks \
  \( -name '*.h' -o -name '*.cpp' -o -name '*.c' \) -print0 | sort -z)
case ${1:-} in
  --check) "$tool" --dry-run -Werror "${files[@]}" && echo "${#files[@]} files laid out as they should be" ;;
  '') "$tool" -i "${files[@]}" ;;
  *) echo "format.sh: unknown option '$1'" >&2; exit 2 ;;
esac
