#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles each public header alone, with every compiler that is there (g++ and clang++): scorecard row G3.

C++ headers as C++17, the C headers as C99 -pedantic and as C++17, warnings as errors; each is
included twice, so that a missing guard shows. The end tells the slowest, in seconds of CPU time.

usage: check_headers.py ROOT EIGEN_INCLUDE_DIR [--stamps FILE] [--report]
  --stamps FILE  remembers there what compiled, by a hash of all that went in, and skips it next time
  --report       prints how long g++ takes for every header, not only for the slowest
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)
SLOWEST = 5


class Job:
    def __init__(self, compiler, language, standard, header, folder, includes):
        self.compiler, self.standard, self.header, self.folder = compiler, standard, header, folder
        self.command = [compiler, f"-std={standard}", "-x", language, "-fsyntax-only", "-Wall",
                        "-Wextra", "-pedantic", "-Werror", *includes]
        self.text = f'#include "{header}"\n#include "{header}"\nint mdvt_header_check(void);\n'

    def key(self, outside):
        """A hash of the command, the compiler, Eigen, the header and all of ours that it includes."""
        seen, waiting = {}, [self.header]
        while waiting:
            name = waiting.pop()
            file = self.folder / name
            if name not in seen and file.is_file():
                seen[name] = file.read_text(encoding="utf-8")
                waiting += INCLUDE.findall(seen[name])
        whole = [self.text, *self.command, *outside, *(part for item in sorted(seen.items()) for part in item)]
        return hashlib.sha256("\0".join(whole).encode()).hexdigest()

    def run(self):
        """What the compiler said, None if it was content, and its CPU time in seconds."""
        with tempfile.TemporaryFile("w+") as said, tempfile.NamedTemporaryFile("w", suffix=".txt") as source:
            source.write(self.text)
            source.flush()
            process = subprocess.Popen([*self.command, source.name], stdout=said, stderr=said)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            said.seek(0)
            text = said.read()
        return (text or "it failed without a word") if process.returncode else None, usage.ru_utime + usage.ru_stime


def first_line(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("eigen")
    parser.add_argument("--stamps", type=pathlib.Path)
    parser.add_argument("--report", action="store_true")
    arguments = parser.parse_args()
    root = arguments.root.resolve()
    headers = sorted(h.relative_to(root / "include").as_posix() for h in (root / "include").rglob("*.h"))
    pairs = [pair for pair in (("gcc", "g++"), ("clang", "clang++"))
             if shutil.which(pair[0]) and shutil.which(pair[1])]
    if not headers or not pairs:
        print("no headers or no compilers found")
        return 1

    jobs = []
    for c, cxx in pairs:
        includes = ["-I", str(root / "include"), "-isystem", arguments.eigen]
        jobs += [Job(cxx, "c++", "c++17", header, root / "include", includes) for header in headers]
        for header in ("mdvt.h", "mdvt_backend.h"):
            includes = ["-I", str(root / "capi")]
            jobs += [Job(c, "c", "c99", header, root / "capi", includes),
                     Job(cxx, "c++", "c++17", header, root / "capi", includes)]
    versions = {name: first_line(name, "--version") for pair in pairs for name in pair}
    eigen = pathlib.Path(arguments.eigen, "Eigen/src/Core/util/Macros.h").read_text(encoding="utf-8")
    keys = {job: job.key([versions[job.compiler], eigen]) for job in jobs}

    seconds = {}  # by key, of what compiled
    if arguments.stamps and arguments.stamps.is_file():
        seconds = json.loads(arguments.stamps.read_text(encoding="utf-8"))
    todo = [job for job in jobs if keys[job] not in seconds]
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for job, (complaint, took) in zip(todo, pool.map(Job.run, todo)):
            if complaint is None:
                seconds[keys[job]] = round(took, 2)
            else:
                print(f"{job.header} does not compile alone with {job.compiler} as {job.standard}:\n{complaint}")
    seconds = {key: seconds[key] for key in keys.values() if key in seconds}
    if arguments.stamps:
        arguments.stamps.write_text(json.dumps(seconds), encoding="utf-8")

    times = sorted(((seconds[keys[job]], job.header) for job in jobs
                    if job.compiler == pairs[0][1] and keys[job] in seconds), reverse=True)
    print(f"{len(todo)} of {len(jobs)} compiled; slowest with {pairs[0][1]}, CPU seconds when last compiled:")
    for took, header in times[:None if arguments.report else SLOWEST]:
        print(f"  {took:.2f} {header}")
    good = sum(key in seconds for key in keys.values())
    print(json.dumps({"id": "G3", "value": good, "target": len(jobs), "pass": good == len(jobs),
                      "measure": f"headers compiled alone, by {' and '.join(p[1] for p in pairs)}"}))
    return 0 if good == len(jobs) else 1


if __name__ == "__main__":
    sys.exit(main())
