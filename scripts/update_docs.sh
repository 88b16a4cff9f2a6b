#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Writes the tables of options in docs/PROGRAM.md anew, as the programs themselves print them.
#
# usage: scripts/update_docs.sh [--check] [PROGRAM...]
#   PROGRAM  paths of built programs; without any, all in build/bin that have a page
#   --check  change nothing; exit status 1 if a page is missing or out of date
set -euo pipefail
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

check=false
if [[ ${1:-} == --check ]]; then
  check=true
  shift
fi
programs=("$@")
if (($# == 0)); then
  for program in "$root"/build/bin/*; do
    [[ ! -f $root/docs/${program##*/}.md ]] || programs+=("$program")
  done
fi
((${#programs[@]} > 0)) || fail "no programs in $root/build/bin: build them first (scripts/build.sh)"

begin='<!-- options: written by scripts/update_docs.sh -->'
end='<!-- end of options -->'
status=0
for program in "${programs[@]}"; do
  page=$root/docs/${program##*/}.md
  [[ -f $page ]] || fail "$page is missing: write one with the lines '$begin' and '$end'"
  grep -qxF -- "$begin" "$page" && grep -qxF -- "$end" "$page" ||
    fail "$page lacks the lines '$begin' and '$end'"
  table=$("$program" --describe markdown)
  new=$(BEGIN="$begin" END="$end" TABLE="$table" awk '
    $0 == ENVIRON["END"] { inside = 0 }
    !inside { print }
    $0 == ENVIRON["BEGIN"] { print "\n" ENVIRON["TABLE"] "\n"; inside = 1 }' "$page")
  if $check; then
    diff -u "$page" --label "$page, as it should be" <(printf '%s\n' "$new") >&2 || status=1
  else
    printf '%s\n' "$new" > "$page"
  fi
done
((status == 0)) || echo "run scripts/update_docs.sh" >&2
exit "$status"
