#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Gathers the scorecard lines that the tests of the last run have printed, {"id":"F2","value":...},
# into a table. Exit status 1 if a row failed or one that must be there is missing.
#
# usage: tests/scorecard.sh [BUILD_FOLDER]     build if not given
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
exec python3 - "${1:-$root/build}/Testing/Temporary/LastTest.log" <<'END'
import json
import sys

PROMISES = {
    "A4": "files that must fail, fail for the right reason",
    "A5": "wrong calls of the C library are refused by name",
    "B1": "bombs are refused, quickly and in little memory",
    "B4": "no descriptors or threads are left behind",
    "C5": "signals end a program cleanly",
    "C6": "hostile or broken models end in named errors",
    "E3": "error texts of threads do not mix",
    "F2": "any number of threads gives the same bytes",
    "G1": "the C library exports what its header declares",
    "G3": "each public header compiles alone",
    "G4": "nothing thrown leaves a C function",
    "H1": "a model whose hash is wrong never reaches the loader",
}

MORE = {
    "A6": "every option of every program with nonsense",
    "B2": "memory does not grow with the length of a clip",
    "C3": "input and output that fails is survived",
}

try:
    with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
        lines = log.read().splitlines()
except OSError as error:
    sys.exit(f"scorecard.sh: {error}; run scripts/test.sh first")

rows = []
for line in lines:
    line = line[line.find('{"id"'):].strip() if '{"id"' in line else ""
    if not line:
        continue
    try:
        row = json.loads(line)
        rows.append((row["id"], row["value"], row["target"], bool(row["pass"]),
                     row.get("measure") or row.get("of") or PROMISES.get(row["id"]) or MORE.get(row["id"], "")))
    except (ValueError, KeyError) as error:
        sys.exit(f"scorecard.sh: not a scorecard line ({error}): {line}")

rows.sort(key=lambda row: row[0])
table = [("id", "promise", "value", "target", "pass")]
table += [(i, what, str(value), str(target), "yes" if ok else "NO")
          for i, value, target, ok, what in rows]
missing = sorted(set(PROMISES) - {row[0] for row in rows})
table += [(i, PROMISES[i], "-", "-", "MISSING") for i in missing]
widths = [max(len(row[c]) for row in table) for c in range(5)]
for n, row in enumerate(table):
    print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")
    if n == 0:
        print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
failed = sum(not row[3] for row in rows)
print(f"{len(rows)} rows, {failed} failed, {len(missing)} missing")
sys.exit(1 if failed or missing else 0)
END
