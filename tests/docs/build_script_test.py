#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What scripts/build.sh hands to CMake: its own defaults first, the user's options behind them.

usage: build_script_test.py SOURCE_DIR
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

FAKE = """#!/bin/sh
printf '%s\\n' "$@" >> "$RECORD"
"""


def options_for(source, *arguments):
    """The -D options of the first call of CMake in a fresh clone."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        shutil.copytree(source / "scripts", root / "scripts")
        (root / "bin").mkdir()
        cmake = root / "bin/cmake"
        cmake.write_text(FAKE)
        cmake.chmod(0o755)
        record = root / "record"
        environment = {**os.environ, "PATH": f"{root / 'bin'}:{os.environ['PATH']}", "RECORD": str(record),
                       "MDVT_SKIP_DEPS": "1"}
        environment.pop("MDVT_WERROR", None)
        subprocess.run([root / "scripts/build.sh", *arguments], env=environment, check=True,
                       stdout=subprocess.DEVNULL)
        return [line for line in record.read_text().splitlines() if line.startswith("-D")]


def last(options, name):
    return [option for option in options if option.startswith(f"-D{name}=")][-1]


def main():
    source = pathlib.Path(sys.argv[1])
    for arguments, benchmarks, tests in (
            ((), "OFF", "OFF"),
            (("-DMDVT_BUILD_BENCHMARKS=ON",), "ON", "OFF"),
            (("-DMDVT_BUILD_TESTS=ON",), "OFF", "ON"),
            (("--tests",), "ON", "ON"),
            (("--tests", "-DMDVT_BUILD_BENCHMARKS=OFF"), "OFF", "ON"),
            (("-DMDVT_BUILD_BENCHMARKS=OFF", "--tests"), "OFF", "ON")):
        options = options_for(source, *arguments)
        for name, wanted in (("MDVT_BUILD_BENCHMARKS", benchmarks), ("MDVT_BUILD_TESTS", tests)):
            if last(options, name) != f"-D{name}={wanted}":
                sys.exit(f"build.sh {' '.join(arguments)}: {options}, must end with {name}={wanted}")


if __name__ == "__main__":
    main()
