#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Camera paths of mdvt beside those of COLMAP, from the same frames.

  benchmarks/trajectory_against_colmap.py BIN DATA [CLIP ...]

BIN is the folder of the programs, DATA that of the test clips (dev_* with scene.json, real/*.mp4).
For each clip both get the same pictures and, where it is known, the true field of view; neither gets
depth. Printed are the error of the camera centres after a similarity fit in % of the path, how many
frames got a pose, and CPU time; times as a ratio, for they depend on the machine. Clips without
truth show frames and time only. COLMAP (Debian's package `colmap`) has to be installed; without it
one line says so and the exit status is 77, which tests take for "skipped".
"""

import json
import math
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile


def run(command):
    """Runs it; returns its CPU time in seconds, or None if it failed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([str(word) for word in command], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False,
                          env=dict(os.environ, QT_QPA_PLATFORM="offscreen"))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds if done.returncode == 0 else None


def evaluate(programs, estimate, reference, folder):
    output = folder / "eval.json"
    command = [programs / "eval_trajectory", "--estimate", estimate, "--reference", reference,
               "--output", output, "--quiet"]
    if run(command) is None:
        return None
    found = json.loads(output.read_text())
    if found["degenerate"]:
        return None  # a turn has no path
    return 100 * found["ate_sim3"] / found["path_length"]


def ours(programs, video, xfov, truth, folder):
    name = ["--xfov", xfov] if xfov else ["--xfov", 60, "--optimize_intrinsic"]
    seconds = run([programs / "sam_track_video", "--color_video", video, *name, "--output",
                   folder / "ours.json", "--camera_output", folder / "camera.json", "--report",
                   folder / "report.json", "--xfovs_output", folder / "xfovs.json",
                   "--motion_output", folder / "motion.mkv", "--quiet"])
    if seconds is None:
        return None
    frames = json.loads((folder / "report.json").read_text())["frames"]
    return {"seconds": seconds, "frames": sum(not f["interpolated"] for f in frames),
            "error": evaluate(programs, folder / "ours.json", truth, folder) if truth else None}


def colmap(programs, video, size, xfov, truth, folder):
    pictures = folder / "pictures"
    pictures.mkdir()
    if run(["ffmpeg", "-v", "error", "-i", video, "-vsync", "0",
            pictures / "%06d.png"]) is None:
        return None
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
        took = run(["colmap", *step])
        if took is None:
            return None
        seconds += took
    models = sorted(p for p in sparse.iterdir() if p.is_dir())
    best = {}
    for model in models:
        text = folder / f"text{model.name}"
        text.mkdir()
        if run(["colmap", "model_converter", "--input_path", model, "--output_path", text,
                "--output_type", "TXT"]) is None:
            continue
        rows = [line.split() for line in (text / "images.txt").read_text().splitlines()
                if line and not line.startswith("#")]
        poses = {int(row[9][:-4]) - 1: [float(v) for v in row[1:8]] for row in rows
                 if len(row) == 10 and row[9].endswith(".png")}
        if len(poses) > len(best):
            best = poses
    if not best:
        return None
    path = folder / "colmap.txt"
    path.write_text("".join(tum_line(frame, pose) for frame, pose in sorted(best.items())))
    error = None
    if truth:
        part = folder / "truth.txt"
        matrices = json.loads(truth.read_text())
        part.write_text("".join(tum_line_of_matrix(f, matrices[f]) for f in sorted(best)))
        error = evaluate(programs, path, part, folder)
    return {"seconds": seconds, "frames": len(best), "error": error}


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


def compare(programs, video, scene):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        xfov = truth = size = None
        if scene:
            facts = json.loads(scene.read_text())
            size = facts["width"], facts["height"]
            half = math.tan(math.radians(facts["yfov_deg"] / 2)) * size[0] / size[1]
            xfov = 2 * math.degrees(math.atan(half))
            truth = folder / "truth.json"
            truth.write_text(json.dumps(facts["frames"]))
        one = ours(programs, video, xfov, truth, folder)
        other = colmap(programs, video, size, xfov, truth, folder)

    def words(found):
        if found is None:
            return "failed"
        error = "" if found["error"] is None else f" {found['error']:.3f} % of the path,"
        return f"{error} {found['frames']} frames".strip()

    line = f"mdvt {words(one)}; COLMAP {words(other)}"
    if one and other:
        line += f"; COLMAP takes {other['seconds'] / one['seconds']:.0f} x the CPU time"
    return line


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    if shutil.which("colmap") is None or shutil.which("ffmpeg") is None:
        print("skipped: colmap and ffmpeg are not both installed")
        sys.exit(77)
    programs, data = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    clips = {p.parent.name: (p, p.parent / "scene.json") for p in data.glob("dev_*/color.mp4")}
    clips.update({p.stem: (p, None) for p in (data / "real").glob("*.mp4")})
    wanted = sys.argv[3:] or sorted(clips)
    for name in wanted:
        if name not in clips:
            sys.exit(f"no clip '{name}' in {data}")
        print(f"{name}: {compare(programs, *clips[name])}", flush=True)


if __name__ == "__main__":
    main()
