#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints every include that goes up or sideways between the layers, or lets a library out of its place.

usage: check_includes.py ROOT        exit status 1 if there is one
       check_includes.py --self-test seeds one violation of each rule and demands that it is found
"""

import pathlib
import re
import sys
import tempfile

LAYERS = {
    "core": {"core"},
    "geometry": {"core", "geometry"},
    "model": {"core", "model"},
    "io": {"core", "io"},
    "tracking": {"core", "geometry", "model", "tracking"},
    "depth": {"core", "geometry", "model", "depth"},
    "stereo": {"core", "geometry", "model", "stereo"},
    "infill": {"core", "geometry", "model", "infill"},
}
LAYERS["pipeline"] = set(LAYERS) | {"pipeline"}
EVERYTHING = set(LAYERS)

# A library, how its headers look, and the only places that may include them.
LIBRARIES = (
    ("FFmpeg", r"lib(av|sw|postproc)\w*/", r"src/io/"),
    ("Ceres", r"ceres/|glog/", r"src/geometry/.*\.cpp$"),
    ("OpenCV", r"opencv", r"src/(geometry|tracking|depth|stereo|infill|pipeline)/.*\.cpp$"),
    ("LibTorch", r"torch/|ATen/|c10/|caffe2/", r"backends/torch/"),
    ("nlohmann-json", r"nlohmann/", r"tests/"),
    ("nettle", r"nettle/", r"src/model/"),
    ("zlib", r"zlib\.h", r"src/(io/npz_file|pipeline/.*)\.cpp$"),
    ("dlopen", r"dlfcn\.h|link\.h", r"src/(model/.*|io/deinterlacer|io/subtitle_renderer)\.cpp$|examples/common/.*\.cpp$"),
    ("pybind11", r"pybind11/|Python\.h", r"bindings/python/"),
)

# Headers for programs and libraries that know nothing else of mdvt.
C_HEADERS = ("capi/mdvt.h", "capi/mdvt_backend.h")
BACKEND_HEADER = "capi/mdvt_backend.h"
BACKEND_USERS = re.compile(r"src/model/|backends/|examples/backend/")

STANDARD_C = set("""assert ctype errno fenv float inttypes limits locale math setjmp signal stdarg
stdbool stddef stdint stdio stdlib string time wchar wctype""".split())
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def is_standard(name):
    if "/" in name:
        return False
    return "." not in name or (name.endswith(".h") and name[:-2] in STANDARD_C)


def layer_of(path):
    """The layer that a file belongs to, by its path relative to the root."""
    parts = path.split("/")
    if parts[0] == "include" and parts[1] == "mdvt":
        return parts[2]
    if parts[0] == "src":
        return parts[1]
    return None


def target_of(root, path, name):
    """Path relative to the root of the project's file that an include names, else None."""
    here = (root / path).parent / name
    for candidate in (here, root / "include" / name, root / "src" / name, root / "capi" / name,
                      root / name):
        if candidate.is_file():
            return candidate.resolve().relative_to(root).as_posix()
    return None


def violations_in(root, path, text):
    layer = layer_of(path)
    public = path.startswith("include/")
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        name = match[2]
        where = f"{path}:{number}: includes {name}: "
        for library, pattern, places in LIBRARIES:
            if re.match(pattern, name) and not re.match(places, path):
                yield where + f"{library} has no place here"
        if path in C_HEADERS:
            if name not in ("stddef.h", "stdint.h"):
                yield where + "the C header includes stddef.h and stdint.h only"
            continue
        if public and "mdvt/" not in name and not is_standard(name) and not re.match(
                r"Eigen/|unsupported/Eigen/", name):
            yield where + "a public header sees the standard library, Eigen and mdvt only"
        target = target_of(root, path, name)
        if target is None:
            if name.startswith("mdvt/") or name == "mdvt.h":
                yield where + "there is no such header"
            continue
        if public and not target.startswith("include/"):
            yield where + "a public header cannot include a private one"
        to = layer_of(target)
        if path.startswith("backends/") or target == BACKEND_HEADER:
            inside = path.startswith("backends/") and target.startswith("backends/")
            if not inside and not (target == BACKEND_HEADER and BACKEND_USERS.match(path)):
                yield where + "backends and the model layer meet in mdvt_backend.h alone"
        elif layer in LAYERS:
            if to not in LAYERS[layer]:
                direction = "up" if to is None or layer in LAYERS.get(to, ()) else "sideways"
                yield where + f"{layer} goes {direction} to {to or target.split('/')[0]}"
        elif path.startswith(("examples/", "bindings/")) and target.startswith("src/"):
            yield where + "programs and bindings use public headers only"


def violations(root):
    root = root.resolve()
    for folder in ("include", "src", "capi", "bindings", "examples", "backends"):
        for file in sorted((root / folder).rglob("*")):
            if file.suffix in (".h", ".hpp", ".cpp", ".cc", ".c", ".inc") and file.is_file():
                path = file.relative_to(root).as_posix()
                yield from violations_in(root, path, file.read_text(encoding="utf-8"))


# File, its text, and a part of what must be said about it ("" = nothing).
SEEDS = (
    ("include/mdvt/core/good.h", "#include <cstdint>\n#include <stddef.h>\n#include <Eigen/Core>", ""),
    ("include/mdvt/geometry/good.h", '#include "mdvt/core/good.h"', ""),
    ("include/mdvt/io/good.h", '#include "mdvt/core/good.h"', ""),
    ("include/mdvt/stereo/good.h", '#include "mdvt/geometry/good.h"', ""),
    ("include/mdvt/pipeline/good.h", '#include "mdvt/io/good.h"', ""),
    ("src/io/good.h", "#include <libavcodec/avcodec.h>", ""),
    ("src/io/good.cpp", '#include "io/good.h"\n#include "good.h"\n#include <libavutil/frame.h>', ""),
    ("src/geometry/good.cpp", "#include <ceres/ceres.h>\n#include <opencv2/core.hpp>", ""),
    ("src/pipeline/good.cpp", '#include "mdvt/stereo/good.h"\n#include "io/good.h"', ""),
    ("capi/mdvt.h", "#include <stddef.h>\n#include <stdint.h>", ""),
    ("capi/src/good.cpp", '#include "mdvt.h"\n#include "mdvt/pipeline/good.h"', ""),
    ("capi/mdvt_backend.h", "#include <stddef.h>\n#include <stdint.h>", ""),
    ("src/model/good.cpp", '#include "mdvt_backend.h"\n#include <nettle/sha2.h>\n'
                           '#include <dlfcn.h>', ""),
    ("backends/torch/good.h", "#include <torch/script.h>", ""),
    ("backends/torch/good.cpp", '#include "good.h"\n#include "mdvt_backend.h"\n#include <c10/x.h>', ""),
    ("examples/backend/good.c", '#include "mdvt_backend.h"', ""),
    ("examples/good.cpp", '#include <CLI/CLI.hpp>\n#include "mdvt/pipeline/good.h"', ""),
    ("bindings/python/good.cpp", "#include <pybind11/numpy.h>", ""),
    ("include/mdvt/core/a.h", '#include "mdvt/io/good.h"', "core goes up to io"),
    ("src/core/b.cpp", '#include "mdvt/pipeline/good.h"', "core goes up to pipeline"),
    ("src/geometry/c.cpp", '#include "mdvt/io/good.h"', "geometry goes sideways to io"),
    ("src/stereo/d.cpp", '#include "mdvt/io/good.h"', "stereo goes sideways to io"),
    ("src/stereo/e.cpp", '  #  include "io/good.h"', "stereo goes sideways to io"),
    ("src/io/f.cpp", '#include "mdvt/geometry/good.h"', "io goes sideways to geometry"),
    ("src/io/f2.cpp", '#include "../geometry/x.h"', "io goes sideways to geometry"),
    ("src/geometry/x.h", "", ""),
    ("src/pipeline/g.cpp", '#include "mdvt.h"', "pipeline goes up to capi"),
    ("include/mdvt/io/h.h", "#include <libavcodec/avcodec.h>", "FFmpeg has no place here"),
    ("src/pipeline/i.cpp", "#include <libavutil/frame.h>", "FFmpeg has no place here"),
    ("src/stereo/j.h", "#include <opencv2/core.hpp>", "OpenCV has no place here"),
    ("src/io/k.cpp", "#include <opencv2/imgcodecs.hpp>", "OpenCV has no place here"),
    ("src/depth/l.cpp", "#include <ceres/ceres.h>", "Ceres has no place here"),
    ("include/mdvt/core/m.h", "#include <nlohmann/json.hpp>", "standard library, Eigen and mdvt"),
    ("include/mdvt/core/m2.h", "#include <unistd.h>", "standard library, Eigen and mdvt"),
    ("include/mdvt/io/n.h", '#include "io/good.h"', "cannot include a private one"),
    ("src/core/o.cpp", '#include "mdvt/core/gone.h"', "there is no such header"),
    ("examples/p.cpp", '#include "io/good.h"', "public headers only"),
    ("capi/src/q.cpp", "#include <pybind11/numpy.h>", "pybind11 has no place here"),
    ("src/core/r.cpp", "#include <torch/script.h>", "LibTorch has no place here"),
    ("src/model/t.cpp", "#include <torch/script.h>", "LibTorch has no place here"),
    ("src/model/u.cpp", '#include "mdvt/io/good.h"', "model goes sideways to io"),
    ("src/model/v.h", "#include <dlfcn.h>", "dlopen has no place here"),
    ("src/depth/w.cpp", '#include "mdvt_backend.h"', "meet in mdvt_backend.h alone"),
    ("src/depth/w2.cpp", "#include <nlohmann/json.hpp>", "nlohmann-json has no place here"),
    ("src/io/w3.cpp", "#include <nettle/sha2.h>", "nettle has no place here"),
    ("include/mdvt/core/w4.h", '#include "mdvt_backend.h"', "meet in mdvt_backend.h alone"),
    ("backends/torch/y.cpp", '#include "mdvt/core/good.h"', "meet in mdvt_backend.h alone"),
)


def self_test():
    def write(root, path, text):
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n", encoding="utf-8")

    failures = []
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for path, text, _ in SEEDS:
            write(root, path, text)
        found = list(violations(root))
        for path, _, expected in SEEDS:
            mine = [line for line in found if line.startswith(path + ":")]
            if expected == "" and mine:
                failures.append(f"{path}: accused in vain: {mine}")
            if expected and not any(expected in line for line in mine):
                failures.append(f"{path}: not told '{expected}': {mine}")
        write(root, "capi/mdvt.h", "#include <stdio.h>")
        if not any("the C header" in line for line in violations(root)):
            failures.append("capi/mdvt.h: a third include was not found")
    for failure in failures:
        print(failure)
    print(f"{len(SEEDS) + 1} seeds, {len(failures)} failures")
    return 1 if failures else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    found = list(violations(pathlib.Path(sys.argv[1])))
    for line in found:
        print(line)
    print(f"{len(found)} includes out of place")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
