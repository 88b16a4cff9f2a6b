#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records what the C interface promises: functions, values, and the layout of every struct.

    record_abi.py                      prints the record of mdvt.h
    record_abi.py --check abi.txt      fails, with the difference, if the record differs
    record_abi.py --library FILE       also: fails unless exactly the recorded functions leave FILE
    record_abi.py --asserts            prints a C file that freezes the layout at compile time

A change of the record that is not an addition at the end breaks older programs: raise
MDVT_ABI_VERSION then.
"""

import argparse
import difflib
import json
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


class Header:
    """The declarations of mdvt.h, which keeps to one plain form of each."""

    def __init__(self, path):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.S)
        text = re.sub(r"\\\n", " ", text)
        code = "\n".join(line for line in text.split("\n") if not line.startswith("#"))
        squeeze = lambda part: re.sub(r"\s+", " ", part).strip()
        self.functions = sorted(
            (squeeze(f) for f in re.findall(r"MDVT_API ([^;{]*);", code)),
            key=lambda f: re.search(r"(\w+)\(", f).group(1))
        self.structs = []
        for name, body in re.findall(r"typedef struct (\w+) \{(.*?)\} \1;", code, flags=re.S):
            fields = []
            for field in body.split(";")[:-1]:
                kind, field_name, count = re.fullmatch(
                    r"(.+?)\s*\b(\w+)((?:\[\d+\])?)", squeeze(field)).groups()
                fields.append((kind.strip(), field_name, count))
            self.structs.append((name, fields))
        self.constants = []
        for body in re.findall(r"enum \{(.*?)\};", code, flags=re.S):
            self.constants += re.findall(r"(\w+) =", body)
        self.constants += re.findall(r"^#define (MDVT_ABI_VERSION)\b", text, flags=re.M)
        self.handles = re.findall(r"typedef struct (\w+) \1;", code)
        self.callbacks = [squeeze(c) for c in re.findall(r"(typedef [^;{]*\(\*[^;]*);", code)]
        self.aliases = [squeeze(a) for a in re.findall(r"(typedef \w+ \w+);", code)]


def measure(header, header_path, compiler):
    """Sizes, offsets and values, from a program that the C compiler makes."""
    lines = ["#include <stdio.h>", f'#include "{header_path}"', "int main(void) {"]
    for name, fields in header.structs:
        lines.append(f'printf("%zu\\n", sizeof({name}));')
        for _, field, _ in fields:
            lines.append(f'printf("%zu %zu\\n", offsetof({name}, {field}), '
                         f"sizeof((({name}*)0)->{field}));")
    for name in header.constants:
        lines.append(f'printf("%ld\\n", (long){name});')
    lines += ["return 0; }"]
    with tempfile.TemporaryDirectory() as folder:
        source, program = f"{folder}/layout.c", f"{folder}/layout"
        pathlib.Path(source).write_text("\n".join(lines), encoding="utf-8")
        # -O1 drops the inline functions of the header, which nothing here could link to.
        subprocess.run([*shlex.split(compiler), "-std=c99", "-O1", "-o", program, source],
                       check=True)
        output = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    numbers = iter(output.split("\n"))
    structs = []
    for name, fields in header.structs:
        size = int(next(numbers))
        rows = [tuple(map(int, next(numbers).split())) for _ in fields]
        structs.append((name, size, rows))
    return structs, [int(next(numbers)) for _ in header.constants]


def record(header, structs, values):
    lines = ["The C interface of mdvt as built: made and checked by capi/record_abi.py.", ""]
    lines += [f"function {f}" for f in header.functions] + [""]
    lines += [f"handle {h}" for h in header.handles]
    lines += [f"type {t}" for t in header.aliases + header.callbacks] + [""]
    lines += [f"value {n} {v}" for n, v in zip(header.constants, values)]
    for (name, fields), (_, size, rows) in zip(header.structs, structs):
        lines += ["", f"struct {name} size {size}"]
        lines += [f"  {offset:4} {width:4} {kind} {field}{count}"
                  for (kind, field, count), (offset, width) in zip(fields, rows)]
    return "\n".join(lines) + "\n"


def asserts(header, structs, values):
    lines = [
        "/* SPDX-License-Identifier: Apache-2.0",
        " *",
        " * The layout of every struct and every value of the C interface, frozen: older programs",
        " * rely on each line. Lines are added (capi/record_abi.py --asserts), never changed. */",
        '#include "mdvt.h"', "",
        "#define FROZEN(condition) _Static_assert(condition, \"older programs rely on this\")",
        "#define FIELD(type, field, offset, size) \\",
        "  FROZEN(offsetof(type, field) == (offset) && sizeof(((type*)0)->field) == (size))", ""]
    for (name, fields), (_, size, rows) in zip(header.structs, structs):
        lines.append(f"FROZEN(sizeof({name}) >= {size});")
        lines += [f"FIELD({name}, {field}, {offset}, {width});"
                  for (_, field, _), (offset, width) in zip(fields, rows)]
        lines.append("")
    lines += [f"FROZEN({n} == {v});" for n, v in zip(header.constants, values)]
    return "\n".join(lines) + "\n"


def exported(library):
    output = subprocess.run(["nm", "-D", "--defined-only", library], check=True,
                            capture_output=True, text=True).stdout
    # "address type name@@version"; the version node itself is of type A.
    rows = [line.split() for line in output.splitlines()]
    return sorted(row[-1].split("@")[0] for row in rows if row[-2] != "A")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--header", type=pathlib.Path, default=HERE / "mdvt.h")
    parser.add_argument("--cc", default="cc", help="C compiler (default: cc)")
    parser.add_argument("--check", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--library", metavar="FILE")
    parser.add_argument("--asserts", action="store_true")
    args = parser.parse_args()

    header = Header(args.header)
    structs, values = measure(header, args.header.resolve(), args.cc)
    text = record(header, structs, values)
    failed = False
    if args.asserts:
        print(asserts(header, structs, values), end="")
    elif args.check is None and args.library is None:
        print(text, end="")
    if args.check is not None:
        committed = args.check.read_text(encoding="utf-8")
        if committed != text:
            failed = True
            print("the interface differs from its record:")
            print("\n".join(difflib.unified_diff(committed.split("\n"), text.split("\n"),
                                                 str(args.check), str(args.header), lineterm="")))
        print(json.dumps({"id": "G2", "value": int(committed != text), "target": 0,
                          "pass": committed == text, "measure": "changes against the record"}))
    if args.library is not None:
        committed = re.findall(r"^function .*?(\w+)\(", args.check.read_text(encoding="utf-8"),
                               flags=re.M) if args.check else \
            [re.search(r"(\w+)\(", f).group(1) for f in header.functions]
        difference = sorted(set(committed) ^ set(exported(args.library)))
        if difference:
            failed = True
            print("not the same in the library and in the list:", ", ".join(difference))
        print(json.dumps({"id": "G1", "value": len(difference), "target": 0,
                          "pass": not difference, "measure": "symbols off the export list"}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
