#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every test that the table of promises in docs/testing.md names is there."""

import pathlib
import re
import sys


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    page = (root / "docs/testing.md").read_text()
    table = page.split("## Promises and the tests that hold them", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    registered = "\n".join(path.read_text() for path in sorted((root / "tests").rglob("CMakeLists.txt")))
    missing, names = [], 0
    for row in rows:
        for part in row.rsplit(" | ", 1)[1].strip(" |").split("; "):
            for group in re.findall(r"`([^`]+)`", part):
                names += 1
                if "/" in group:
                    folder, name = group.split("/")
                    files = [root / "tests" / folder / (name + end) for end in ("_test.cpp", "_test.py", ".py")]
                    here = [path for path in files if path.exists()]
                    if not here and group not in registered:
                        missing.append(group)
                    text = "".join(path.read_text() for path in here)
                elif not re.search(r"\b" + re.escape(group) + r"\b", text):
                    missing.append(group)
    for name in missing:
        print("docs/testing.md names a test that is not there:", name)
    print(f"{len(rows)} promises, {names} names, {len(missing)} missing")
    return 1 if missing or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
