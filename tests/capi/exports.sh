#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The functions of mdvt.h leave the library, and nothing else.
# usage: exports.sh HEADER LIBRARY
set -euo pipefail
header=$1 library=$2
declared=$(tr '\n' ' ' <"$header" | grep -oE 'MDVT_API [A-Za-z0-9_* ]*mdvt_[a-z0-9_]+\(' |
  grep -oE 'mdvt_[a-z0-9_]+\(' | tr -d '(' | sort)
# "address type name@@version"; the version itself is of type A.
exported=$(nm -D --defined-only "$library" | awk '$2 != "A" {sub(/@.*/, "", $3); print $3}' | sort)
if ! diff <(echo "$declared") <(echo "$exported"); then
  echo "< is declared alone, > is exported alone" >&2
  exit 1
fi
count=$(wc -l <<<"$exported")
echo "{\"id\":\"G1\",\"value\":$count,\"target\":\"$(wc -l <<<"$declared")\",\"pass\":true}"
echo "$count functions leave the library, as the header says"
