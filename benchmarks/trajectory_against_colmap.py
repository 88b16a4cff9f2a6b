#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Camera paths of mdvt beside those of COLMAP, from the same frames.

  benchmarks/trajectory_against_colmap.py BIN DATA [--frames N] [CLIP ...]

BIN is the folder of the programs, DATA that of the test clips (dev_* with scene.json, real/*.mp4);
--frames takes no more than N of each: COLMAP needs minutes for a hundred large ones.
For each clip both get the same pictures and, where it is known, the true field of view; neither gets
depth. Printed are how many frames got a pose, the error of the camera centres after a similarity
fit in % of the path, and CPU time; times as a ratio, for they depend on the machine. Clips without
truth have no error: there both look for the field of view themselves, and what is printed is the one
that each found, how sure mdvt says that it is of its path, and how far the centres of both are apart
after a similarity fit, in % of the path. COLMAP (Debian's package `colmap`) has to be installed;
without it one line says so and the exit status is 77, which tests take for "skipped".
"""

import argparse
import json
import math
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile


class Failed(Exception):
    """What a program said when it failed."""


def run(command):
    """Runs it; returns its CPU time in seconds. Raises Failed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([str(word) for word in command], stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, check=False, text=True, errors="replace",
                          env=dict(os.environ, QT_QPA_PLATFORM="offscreen"))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise Failed(f"{lines[-1].split('error: ')[-1]} (exit status {done.returncode})")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def evaluate(programs, estimate, reference, folder):
    """Distance of the centres in % of the reference's path; None if that is a turn."""
    output = folder / "eval.json"
    run([programs / "eval_trajectory", "--estimate", estimate, "--reference", reference,
         "--output", output, "--quiet"])
    found = json.loads(output.read_text())
    if found["degenerate"]:
        return None  # a turn has no path
    return 100 * found["ate_sim3"] / found["path_length"]


def ours(programs, video, frames, xfov, truth, folder):
    name = ["--xfov", xfov] if xfov else ["--xfov", 60, "--optimize_intrinsic"]
    seconds = run([programs / "sam_track_video", "--color_video", video, *name,
                   *(["--max_frames", frames] if frames else []), "--output",
                   folder / "ours.json", "--camera_output", folder / "camera.json", "--report",
                   folder / "report.json", "--xfovs_output", folder / "xfovs.json",
                   "--motion_output", folder / "motion.mkv", "--quiet"])
    report = json.loads((folder / "report.json").read_text())
    camera = json.loads((folder / "camera.json").read_text())
    shot = max(report["segments"], key=lambda segment: segment["frames"])
    return {"seconds": seconds, "frames": sum(not f["interpolated"] for f in report["frames"]),
            "error": evaluate(programs, folder / "ours.json", truth, folder) if truth else None,
            "xfov": f"{camera['xfov']:.1f} deg ({camera['fov_status']})", "mode": shot["mode"],
            "unsure": shot["path_uncertainty"], "path": folder / "ours.json"}


def colmap(programs, video, frames, size, xfov, truth, folder):
    pictures = folder / "pictures"
    pictures.mkdir()
    run(["ffmpeg", "-v", "error", "-i", video, "-vsync", "0",
         *(["-frames:v", frames] if frames else []), pictures / "%06d.png"])
    database, sparse = folder / "database.db", folder / "sparse"
    sparse.mkdir()
    lens = ["--ImageReader.camera_model", "SIMPLE_PINHOLE", "--ImageReader.single_camera", "1"]
    held = "1"
    if xfov:
        focal = size[0] / 2 / math.tan(math.radians(xfov / 2))
        lens += ["--ImageReader.camera_params", f"{focal},{size[0] / 2},{size[1] / 2}"]
        held = "0"
    seconds = 0
    for step in (
            ["feature_extractor", "--database_path", database, "--image_path", pictures,
             "--SiftExtraction.use_gpu", "0", *lens],
            ["sequential_matcher", "--database_path", database, "--SiftMatching.use_gpu", "0"],
            ["mapper", "--database_path", database, "--image_path", pictures, "--output_path",
             sparse, "--Mapper.ba_refine_focal_length", held]):
        seconds += run(["colmap", *step])
    models = sorted(p for p in sparse.iterdir() if p.is_dir())
    best, lens = {}, None
    for model in models:
        text = folder / f"text{model.name}"
        text.mkdir()
        run(["colmap", "model_converter", "--input_path", model, "--output_path", text,
             "--output_type", "TXT"])
        rows = [line.split() for line in (text / "images.txt").read_text().splitlines()
                if line and not line.startswith("#")]
        poses = {int(row[9][:-4]) - 1: [float(v) for v in row[1:8]] for row in rows
                 if len(row) == 10 and row[9].endswith(".png")}
        if len(poses) > len(best):
            best = poses
            lens = [line.split() for line in (text / "cameras.txt").read_text().splitlines()
                    if line and not line.startswith("#")][0]
    if not best:
        raise Failed("no model")
    path = folder / "colmap.txt"
    path.write_text("".join(tum_line(frame, pose) for frame, pose in sorted(best.items())))
    angle = 2 * math.degrees(math.atan(int(lens[2]) / 2 / float(lens[4])))
    return {"seconds": seconds, "frames": len(best), "xfov": f"{angle:.1f} deg", "path": path,
            "error": apart(programs, path, truth, best, folder) if truth else None}


def apart(programs, path, reference, frames, folder):
    """As evaluate(), of the frames that `path` has."""
    part = folder / "part.txt"
    matrices = json.loads(reference.read_text())
    part.write_text("".join(tum_line_of_matrix(f, matrices[f]) for f in sorted(frames)))
    return evaluate(programs, path, part, folder)


def tum_line(frame, pose):
    """From camera-from-world (w x y z, t), as COLMAP has it."""
    w, x, y, z, *t = pose
    rotation = [[1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)]]
    centre = [-sum(rotation[r][c] * t[r] for r in range(3)) for c in range(3)]
    return f"{frame} {centre[0]} {centre[1]} {centre[2]} {-x} {-y} {-z} {w}\n"


def tum_line_of_matrix(frame, m):
    """The place is all that is compared; the rotation by its quaternion."""
    w = math.sqrt(max(0.0, 1 + m[0][0] + m[1][1] + m[2][2])) / 2
    x = math.copysign(math.sqrt(max(0.0, 1 + m[0][0] - m[1][1] - m[2][2])) / 2, m[2][1] - m[1][2])
    y = math.copysign(math.sqrt(max(0.0, 1 - m[0][0] + m[1][1] - m[2][2])) / 2, m[0][2] - m[2][0])
    z = math.copysign(math.sqrt(max(0.0, 1 - m[0][0] - m[1][1] + m[2][2])) / 2, m[1][0] - m[0][1])
    return f"{frame} {m[0][3]} {m[1][3]} {m[2][3]} {x} {y} {z} {w}\n"


def compare(programs, frames, video, scene):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        xfov = truth = size = None
        if scene:
            facts = json.loads(scene.read_text())
            size = facts["width"], facts["height"]
            half = math.tan(math.radians(facts["yfov_deg"] / 2)) * size[0] / size[1]
            xfov = 2 * math.degrees(math.atan(half))
            truth = folder / "truth.json"
            truth.write_text(json.dumps(facts["frames"][:frames]))
        found, failed = {}, {}
        for name in ("mdvt", "COLMAP"):
            try:
                found[name] = (ours(programs, video, frames, xfov, truth, folder)
                               if name == "mdvt" else
                               colmap(programs, video, frames, size, xfov, truth, folder))
            except Failed as failure:
                failed[name] = failure
        parts = [f"{name} failed: {failed[name]}" if name in failed else
                 f"{name} {words(found[name], truth is not None)}" for name in ("mdvt", "COLMAP")]
        if len(found) == 2:
            one, other = found["mdvt"], found["COLMAP"]
            if not truth and one["mode"] == "free":
                placed = [int(line.split()[0]) for line in other["path"].read_text().splitlines()]
                distance = apart(programs, other["path"], one["path"], placed, folder)
                parts.append(f"{distance:.2f} % of the path apart")
            parts.append(f"COLMAP takes {other['seconds'] / one['seconds']:.0f} x the CPU time")
    return "; ".join(parts)


def words(found, has_truth):
    text = f"{found['frames']} frames"
    if found["error"] is not None:
        text += f", error {found['error']:.3f} % of the path"
    if has_truth:
        return text
    text += f", FOV {found['xfov']}"
    if found.get("mode") == "free" and found["unsure"] is not None:
        text += f", path known to {100 * found['unsure']:.1f} %"
    elif "mode" in found:
        text += f", {found['mode']}"
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin", type=pathlib.Path, metavar="BIN")
    parser.add_argument("data", type=pathlib.Path, metavar="DATA")
    parser.add_argument("--frames", type=int, metavar="N")
    parser.add_argument("clips", nargs="*", metavar="CLIP")
    options = parser.parse_intermixed_args()
    if shutil.which("colmap") is None or shutil.which("ffmpeg") is None:
        print("skipped: colmap and ffmpeg are not both installed")
        sys.exit(77)
    clips = {p.parent.name: (p, p.parent / "scene.json")
             for p in options.data.glob("dev_*/color.mp4")}
    clips.update({p.stem: (p, None) for p in (options.data / "real").glob("*.mp4")})
    for name in options.clips or sorted(clips):
        if name not in clips:
            sys.exit(f"no clip '{name}' in {options.data}")
        print(f"{name}: {compare(options.bin, options.frames, *clips[name])}", flush=True)


if __name__ == "__main__":
    main()
