#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles each public header alone, with every compiler that is there (g++ and clang++): scorecard row G3.

C++ headers as C++17, the C headers as C99 -pedantic and as C++17, warnings as errors; each is
included twice, so that a missing guard shows.

usage: check_headers.py ROOT EIGEN_INCLUDE_DIR
"""

import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys


def compile_alone(job):
    compiler, language, standard, header, includes = job
    command = [compiler, f"-std={standard}", "-x", language, "-fsyntax-only", "-Wall", "-Wextra",
               "-pedantic", "-Werror", *includes, "-"]
    text = f'#include "{header}"\n#include "{header}"\nint mdvt_header_check(void);\n'
    result = subprocess.run(command, input=text, capture_output=True, text=True)
    return job, result.returncode == 0, result.stderr


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    root, eigen = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    headers = sorted(h.relative_to(root / "include").as_posix()
                     for h in (root / "include").rglob("*.h"))
    pairs = [pair for pair in (("gcc", "g++"), ("clang", "clang++"))
             if shutil.which(pair[0]) and shutil.which(pair[1])]
    if not headers or not pairs:
        print("no headers or no compilers found")
        return 1
    includes = ["-I", str(root / "include"), "-isystem", eigen]
    jobs = []
    for c, cxx in pairs:
        jobs += [(cxx, "c++", "c++17", header, includes) for header in headers]
        for header in ("mdvt.h", "mdvt_backend.h"):
            jobs += [(c, "c", "c99", header, ["-I", str(root / "capi")]),
                     (cxx, "c++", "c++17", header, ["-I", str(root / "capi")])]
    good = 0
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for (compiler, _, standard, header, _), ok, text in pool.map(compile_alone, jobs):
            good += ok
            if not ok:
                print(f"{header} does not compile alone with {compiler} as {standard}:\n{text}")
    print(json.dumps({"id": "G3", "value": good, "target": len(jobs), "pass": good == len(jobs),
                      "measure": f"headers compiled alone, by {' and '.join(p[1] for p in pairs)}"}))
    return 0 if good == len(jobs) else 1


if __name__ == "__main__":
    sys.exit(main())
