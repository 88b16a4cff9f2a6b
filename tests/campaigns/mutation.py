#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Breaks one line of pipeline, io or capi at a time and looks whether a test of theirs sees it.

Each mutation is applied in a worktree of its own, whose tests are built and run: the files that
should see it first, then all unit and abi tests of the three layers. The end tells how many of
the mutations were caught. It takes minutes per mutation that survives.

usage: mutation.py WORKTREE BUILD_DIR [--only NUMBER ...] [--jobs N] [--likely]
  WORKTREE   a clean git worktree that may be changed, configured with tests in BUILD_DIR
  --only     run these mutations, counted from 1
  --likely   run the likely tests alone; what they do not see is "not seen", not "survived"
"""

import argparse
import os
import pathlib
import signal
import subprocess
import sys
import time

HANGS = 240  # seconds: tests that take longer have seen the mutation

# Unit and abi tests; those of the C library alone need programs that a mutation does not change.
CTEST = ["ctest", "--stop-on-failure", "-L", "unit|abi", "-E", "capi/(client|record|exports|barrier)"]

TARGETS = {
    "pipeline": ["test_pipeline"],
    "io": ["test_io", "test_pipeline"],
    "capi": ["test_capi", "test_capi_abuse"],
}

# File, text before (must be there once), text after, likely tests.
MUTATIONS = (
    ("src/pipeline/graph.cpp", "if (!error_) error_ = std::move(error);", "error_ = std::move(error);",
     "pipeline/graph"),
    ("src/pipeline/graph.cpp", "least = std::min(least, count->load());", "least = std::max(least, count->load());",
     "pipeline/graph"),
    ("src/pipeline/graph.cpp", "for (const auto& queue : queues_) queue->Abort();", "", "pipeline/graph"),
    ("src/pipeline/graph.cpp", "int64_t longer = pairs + 1;", "int64_t longer = pairs;", "pipeline/graph"),
    ("src/pipeline/graph.cpp", "for (const auto& queue : node.inputs) queue->Abandon();", "", "pipeline/graph"),
    ("src/pipeline/graph.cpp", "meter_.Finish(frames_done());", "", "pipeline/graph"),
    ("src/pipeline/clip_pair.cpp", "options.first_frame + options.max_frames)",
     "options.first_frame + options.max_frames + 1)", "pipeline/(stereo|export)_job|capi/"),
    ("src/pipeline/file_engine.cpp", "if (number++ < first) return", "if (number++ <= first) return",
     "pipeline/(stereo|export)_job|capi/"),
    ("src/pipeline/clip_pair.cpp", "depth.width == color.width && depth.height == color.height",
     "depth.width == color.width", "pipeline/clip_pair"),
    ("src/pipeline/job_common.cpp", "if (!yfov_deg) camera.fy = camera.fx * aspect;",
     "if (!yfov_deg) camera.fy = camera.fx;", "pipeline/clip_pair"),
    ("src/pipeline/job_common.cpp", "std::max<int64_t>(0, estimated - first)", "std::max<int64_t>(0, estimated - first + 1)",
     "pipeline/clip_pair"),
    ("src/io/depth_codec.cpp", "kRgb16Codes = 4228250625.0 / 65536", "kRgb16Codes = 4228250625.0 / 65535",
     "io/depth_codec"),
    ("src/io/depth_codec.cpp", "bias(0.5),", "bias(0.0),", "io/depth_codec"),
    ("src/io/depth_codec.cpp", "max_depth >= 1e-6 && max_depth <= 1e6", "max_depth >= 0 && max_depth <= 1e6",
     "io/depth_codec"),
    ("src/io/depth_codec.cpp", "depth.width == encoded.width && depth.height == encoded.height",
     "depth.width == encoded.width", "io/depth_codec"),
    ("src/io/depth_tags.cpp", '*geometry == DepthGeometry::kZ ? "z" : "range"',
     '*geometry == DepthGeometry::kZ ? "range" : "z"', "io/depth_tags"),
    ("src/io/depth_tags.cpp", "if (!value || *value < 0) Fail(key, *text, range);",
     "if (!value) Fail(key, *text, range);", "io/depth_tags"),
    ("src/io/depth_tags.cpp", 'video_path + ".mdvt.json"', 'video_path + ".json"', "io/depth_"),
    ("src/io/sidecar.cpp", "static_cast<int64_t>(count) >= limits.max_frames",
     "static_cast<int64_t>(count) > limits.max_frames", "io/sidecar"),
    ("src/io/sidecar.cpp", "if (!(fov > 0 && fov < 180)) {", "if (!(fov > 0 && fov <= 180)) {", "io/sidecar"),
    ("src/io/sidecar.cpp", "return std::isinf(depth) ? 0 : depth;", "return depth;", "io/sidecar"),
    ("src/io/infill_mask.cpp", "left ? uint8_t{255} : uint8_t{1}", "left ? uint8_t{1} : uint8_t{255}",
     "io/infill_mask"),
    ("src/io/infill_mask.cpp", "std::max({c.r, c.g, c.b}) > threshold", "std::max({c.r, c.g}) > threshold",
     "io/infill_mask"),
    ("src/io/infill_mask.cpp", "if ((r | g | b) == 0) {", "if ((r | g) == 0) {", "io/infill_mask"),
    ("src/io/output_set.cpp", "mode = status.st_mode & 07777;", "", "io/output"),
    ("src/io/output_set.cpp", "    RequireNoInput(path, status);\n    const auto other",
     "    const auto other", "io/output"),
    ("capi/src/guarded.cpp", "      return MDVT_CORRUPT;", "      return MDVT_IO;", "capi/"),
    ("capi/src/guarded.cpp", "if (text != t_message) CopyPrintable", "if (text == t_message) CopyPrintable", "capi/errors"),
    ("capi/src/pixels.cpp", 'RequireSize(to, from.width, from.height, "encoded");', "", "capi/(abuse|interface)"),
    ("capi/src/options.cpp", "  *to = *held ? 1 : 0;", "  *to = *held ? 0 : 1;", "capi/options"),
)


def run(command, log, seconds=None):
    """Whether the command ends well, and within that time."""
    log.write(f"\n$ {' '.join(command)}\n")
    log.flush()
    process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        return process.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        log.write(f"\nended after {seconds} s\n")
        return False
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def attempt(number, mutation, arguments, log):
    """"caught by ...", "survived", "not seen" or "not built"."""
    path, before, after, likely = mutation
    file = arguments.worktree / path
    text = file.read_text(encoding="utf-8")
    if text.count(before) != 1:
        return f"not applied: the text is there {text.count(before)} times"
    layer = path.split("/")[1] if path.startswith("src/") else "capi"
    file.write_text(text.replace(before, after), encoding="utf-8")
    try:
        targets = sorted({t for name in (layer, "capi") for t in TARGETS[name]})
        if not run(["cmake", "--build", str(arguments.build), f"-j{arguments.jobs}", "--target", *targets], log):
            return "not built"
        ctest = [*CTEST, "--test-dir", str(arguments.build), f"-j{arguments.jobs}"]
        if not run([*ctest, "-R", f"^({likely})"], log, HANGS):
            return "caught by " + likely
        if arguments.likely:
            return "not seen by " + likely
        if not run([*ctest, "-R", "^(io|pipeline|capi)/"], log, 4 * HANGS):
            return "caught by another test"
        return "survived"
    finally:
        file.write_text(text, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("worktree", type=pathlib.Path)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--only", type=int, nargs="+", default=range(1, len(MUTATIONS) + 1))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--likely", action="store_true")
    arguments = parser.parse_args()
    caught, results = 0, []
    with open(arguments.build / "mutation.log", "w", encoding="utf-8") as log:
        likely = "|".join(sorted({MUTATIONS[number - 1][3] for number in arguments.only}))
        targets = sorted({target for some in TARGETS.values() for target in some})
        if not (run(["cmake", "--build", str(arguments.build), f"-j{arguments.jobs}", "--target", *targets], log)
                and run([*CTEST, "--test-dir", str(arguments.build), f"-j{arguments.jobs}", "-R", f"^({likely})"], log)):
            print(f"the tests fail without a mutation, see {log.name}", file=sys.stderr)
            return 2
        for number in arguments.only:
            began = time.time()
            result = attempt(number, MUTATIONS[number - 1], arguments, log)
            path, before, after, _ = MUTATIONS[number - 1]
            results.append(result)
            caught += result.startswith("caught")
            shown = [" ".join(t.split()) or "(nothing)" for t in (before, after)]
            print(f"{number:2} {path}: {shown[0]} -> {shown[1]}: {result} ({time.time() - began:.0f} s)", flush=True)
    print(f"{caught} of {len(results)} caught")
    return 0 if caught >= 0.9 * len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
