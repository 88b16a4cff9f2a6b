#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the code blocks of README.md as they stand.

A comment in the line before a fence says what happens to the block:

  <!-- run -->            bash runs it, in one working folder for all blocks, in order. The folder
                          holds `build` (a link to the build folder) and `clip.mp4`; HOME is a
                          folder of its own
  <!-- run: PART -->      bash runs it in the root of a checkout, only where that part is asked for:
                          `demo` and `test`, which .ci/run calls
  <!-- file: NAME -->     it is written to NAME in the working folder
  <!-- show -->           it is only to be read

A block of sh, c, cpp, cmake or python without such a comment is an error.

usage: run_readme.py README BUILD_FOLDER PYTHON [--keep FOLDER]
       run_readme.py --part PART README ROOT
       run_readme.py --self-test
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

MARK = re.compile(r"<!--\s*(run|file|show)\s*(?::\s*(.*?))?\s*-->\s*$")
FENCE = re.compile(r"(```+)\s*(\w*)\s*$")
CODE = {"sh", "bash", "c", "cpp", "cmake", "python"}


def blocks_of(text):
    """Yields (line, language, mark, argument, body) of each fenced block."""
    lines = text.splitlines()
    i = 0
    while i < len(lines):
        fence = FENCE.match(lines[i])
        if not fence:
            i += 1
            continue
        mark = MARK.match(lines[i - 1]) if i else None
        end = i + 1
        while end < len(lines) and lines[end].rstrip() != fence[1]:
            end += 1
        if end == len(lines):
            raise ValueError(f"line {i + 1}: the block has no end")
        body = "\n".join(lines[i + 1:end]) + "\n"
        what, argument = (mark[1], mark[2]) if mark else (None, None)
        if what is None and fence[2] in CODE:
            raise ValueError(f"line {i + 1}: say whether this block is run, a file or only shown")
        if what == "file" and not argument:
            raise ValueError(f"line {i}: file needs a name")
        if what == "run" and fence[2] not in ("sh", "bash"):
            raise ValueError(f"line {i}: only sh is run; give the block a file name")
        yield i + 1, fence[2], what, argument, body
        i = end + 1


def run_shell(body, folder, environment, line):
    print(f"--- README line {line}\n{body}", end="", flush=True)
    result = subprocess.run(["bash", "-euo", "pipefail", "-c", body], cwd=folder, env=environment,
                            stdin=subprocess.DEVNULL)
    if result.returncode:
        print(f"--- README line {line} ended with status {result.returncode}", flush=True)
    return result.returncode == 0


def run_blocks(text, folder, environment):
    """Runs and writes the blocks in order; returns (number of blocks, all went well)."""
    count = 0
    for line, _, what, argument, body in blocks_of(text):
        if what == "file":
            count += 1
            target = folder / argument
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(body, encoding="utf-8")
        elif what == "run" and not argument:
            count += 1
            if not run_shell(body, folder, environment, line):
                return count, False
    return count, True


def run_part(text, part, root):
    count = 0
    for line, _, what, argument, body in blocks_of(text):
        if what == "run" and argument == part:
            count += 1
            if not run_shell(body, root, dict(os.environ), line):
                return count, False
    return count, True


def run_built(text, build, python, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "build").symlink_to(build)
    (folder / "home").mkdir()
    tools = folder / "home" / "tools"
    tools.mkdir()
    # `python3` of the README is the interpreter that the module was built for.
    wrapper = tools / "python3"
    wrapper.write_text(f'#!/bin/sh\nexec "{python}" "$@"\n', encoding="utf-8")
    wrapper.chmod(0o755)
    environment = dict(os.environ, HOME=str(folder / "home"),
                       PATH=f"{tools}:{os.environ['PATH']}")
    subprocess.run([build / "bin/mdvt_make_demo_clip", "--output", folder / "clip.mp4", "--quiet",
                    "--width", "320", "--height", "180", "--frames", "16"], check=True)
    return run_blocks(text, folder, environment)


def self_test():
    def outcome(text):
        with tempfile.TemporaryDirectory() as folder:
            try:
                return run_blocks(text, pathlib.Path(folder), dict(os.environ))
            except ValueError as error:
                return str(error)

    def fence(language, body, mark=""):
        return f"{mark}\n```{language}\n{body}\n```\n"

    cases = (
        (fence("", "plain") + fence("text", "plain"), (0, True)),
        (fence("sh", "exit 3", "<!-- show -->"), (0, True)),
        (fence("sh", "true", "<!-- run -->"), (1, True)),
        (fence("sh", "false\ntrue", "<!-- run -->"), (1, False)),
        (fence("sh", "echo $UNSET_NAME", "<!-- run -->"), (1, False)),
        (fence("sh", "exit 3", "<!-- run: demo -->"), (0, True)),
        (fence("c", "int x;", "<!-- file: a/b.c -->") +
         fence("sh", "grep -q 'int x' a/b.c", "<!-- run -->"), (2, True)),
        (fence("sh", "touch one", "<!-- run -->") + fence("sh", "test -f one", "<!-- run -->"),
         (2, True)),
    )
    failures = [f"{text!r}: {outcome(text)}" for text, expected in cases if outcome(text) != expected]
    for text, part in ((fence("sh", "true"), "say whether"), (fence("cpp", "x"), "say whether"),
                       (fence("cpp", "x", "<!-- run -->"), "only sh"),
                       (fence("c", "x", "<!-- file -->"), "needs a name"),
                       ("```sh\ntrue\n", "no end")):
        if part not in str(outcome(text)):
            failures.append(f"{text!r}: {outcome(text)}")
    for failure in failures:
        print(failure)
    print(f"{len(cases) + 5} cases, {len(failures)} failures")
    return 1 if failures else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("readme", type=pathlib.Path)
    parser.add_argument("build", type=pathlib.Path, nargs="?")
    parser.add_argument("python", nargs="?")
    parser.add_argument("--part", help="run these blocks in the root of a checkout")
    parser.add_argument("--keep", type=pathlib.Path, help="work here and leave what was made")
    arguments = parser.parse_args()
    text = arguments.readme.read_text(encoding="utf-8")
    try:
        if arguments.part:
            count, good = run_part(text, arguments.part, arguments.build)
        elif arguments.keep:
            count, good = run_built(text, arguments.build.resolve(), arguments.python,
                                    arguments.keep.resolve())
        else:
            with tempfile.TemporaryDirectory(prefix="mdvt_readme_") as folder:
                count, good = run_built(text, arguments.build.resolve(), arguments.python,
                                        pathlib.Path(folder))
    except ValueError as error:
        print(f"{arguments.readme}: {error}")
        return 1
    print(f"{count} blocks of {arguments.readme.name}: {'all well' if good else 'failed'}")
    return 0 if good and count else 1


if __name__ == "__main__":
    sys.exit(main())
