#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the ways to fill holes make of a clip with true eye views, next to OpenCV's inpainting.

    infill_accuracy.py [--data FOLDER] [--build FOLDER] [--methods NAME ...] [--threads N]

Renders color.mp4 with the true depth, fills the holes by each method (poses are the true ones) and
compares with the true left.mp4 and right.mp4. Prints one JSON object; the exit status is 0 if the
demands under "pass" are met, 77 if there is no clip or no ffmpeg.

Definitions
  disoccluded    as in stereo_accuracy.py: outside the source, or behind something nearer there
  luma_db        PSNR over the luma of all disoccluded pixels of all frames together
  luma_frames_db mean over frames and eyes of the PSNR of each
  rgb_db         PSNR over R, G, B, as luma_db
  inside_db      luma_db of the pixels that lie inside the source
  visible_db     luma_db of all other pixels
  flicker        mean absolute difference of luma, in steps, between a disoccluded pixel in a hole
                 and the pixel that shows the same point in the next frame, if that is one too
  true_flicker   that of the true views: noise of the clip, which a smooth fill does not have
  fill_ms        time of filling, both eyes of a frame; fill_cpu_ms: that of all processors together
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    sys.exit("infill_accuracy: needs numpy (apt-get install python3-numpy)")

from stereo_accuracy import SKIPPED, TOLERANCE, clip_parser, decode, rgb_of_yuv

METHODS = ("directional", "observed", "telea", "ns")


def read_luma(path, width, height):
    return np.fromfile(path, np.uint8).reshape(-1, height * 3 // 2, width)[:, :height]


class Truth:
    """What both eyes really show, and which of their pixels the source does not."""

    def __init__(self, clip):
        with open(os.path.join(clip, "scene.json")) as file:
            scene = json.load(file)
        self.w, self.h = w, h = scene["width"], scene["height"]
        self.fx, self.baseline = scene["K"][0][0], scene["baseline_m"]
        self.poses = [np.array(pose).reshape(4, 4) for pose in scene["frames"]]
        self.color = os.path.join(clip, "color.mp4")
        self.depth = decode(os.path.join(clip, "depth_mm.mkv"), "gray16le", w, h, 1, np.uint16)
        self.rgb, self.luma, self.z, self.hidden, self.inside = {}, {}, {}, {}, {}
        columns, rows = np.arange(w)[None, :], np.arange(h)[:, None]
        for eye, sign in (("left", -1), ("right", 1)):
            path = os.path.join(clip, eye + ".mp4")
            self.rgb[eye] = decode(path, "rgb24", w, h, 3, np.uint8)
            self.luma[eye] = decode(path, "yuv420p", w, h * 3 // 2, 1, np.uint8)[:, :h]
            self.z[eye] = z = decode(os.path.join(clip, eye + "_depth_mm.mkv"), "gray16le", w, h, 1,
                                     np.uint16) / 1000.0
            x = columns + sign * self.fx * self.baseline / 2 / np.maximum(z, 1e-3)
            self.inside[eye] = inside = (x >= -0.5) & (x <= w - 0.5)
            nearest = np.clip(np.rint(x).astype(int), 0, w - 1)
            source = np.stack([d[rows, n] for d, n in zip(self.depth, nearest)]) / 1000.0
            self.hidden[eye] = (z > 0) & (~inside | (source < z * (1 - TOLERANCE)))

    def next_pixels(self, eye, frame):
        """Where the points of a frame's pixels are in the next frame: columns, rows, seen."""
        sign = -1 if eye == "left" else 1
        shift = np.eye(4)
        shift[0, 3] = sign * self.baseline / 2
        z = self.z[eye][frame]
        u, v = np.meshgrid(np.arange(self.w) + 0.5, np.arange(self.h) + 0.5)
        points = np.stack([(u - self.w / 2) / self.fx * z, (v - self.h / 2) / self.fx * z, z,
                           np.ones_like(z)])
        to = np.linalg.inv(self.poses[frame + 1] @ shift) @ self.poses[frame] @ shift
        x, y, depth, _ = np.tensordot(to, points, 1)
        depth = np.maximum(depth, 1e-3)
        column = np.floor(x / depth * self.fx + self.w / 2).astype(int)
        row = np.floor(y / depth * self.fx + self.h / 2).astype(int)
        seen = (column >= 0) & (column < self.w) & (row >= 0) & (row < self.h)
        column, row = np.clip(column, 0, self.w - 1), np.clip(row, 0, self.h - 1)
        seen &= np.abs(self.z[eye][frame + 1][row, column] - depth) < TOLERANCE * depth
        return column, row, seen


def true_flicker(truth):
    total = count = 0
    for eye in ("left", "right"):
        for n in range(len(truth.luma[eye]) - 1):
            column, row, seen = truth.next_pixels(eye, n)
            both = truth.hidden[eye][n] & seen & truth.hidden[eye][n + 1][row, column]
            after = truth.luma[eye][n + 1][row, column].astype(int)
            total += float(np.abs(after - truth.luma[eye][n].astype(int))[both].sum())
            count += int(both.sum())
    return round(total / max(1, count), 2)


def psnr(squares, count):
    return round(float(10 * np.log10(255 ** 2 * count / max(squares, 1e-9))), 2)


def measure(truth, folder):
    sums = {name: [0.0, 0] for name in ("luma", "rgb", "inside", "visible", "flicker")}

    def add(name, difference):
        sums[name][0] += float((difference.astype(float) ** 2).sum())
        sums[name][1] += difference.size

    per_frame = []
    for eye in ("left", "right"):
        path = os.path.join(folder, eye + ".yuv")
        holes = np.fromfile(os.path.join(folder, eye + "_holes.gray"), np.uint8)
        holes = (holes.reshape(-1, truth.h, truth.w) > 0) & truth.hidden[eye]
        luma, rgb = read_luma(path, truth.w, truth.h), rgb_of_yuv(path, truth.w, truth.h)
        for n in range(len(luma)):
            hidden = truth.hidden[eye][n]
            difference = luma[n].astype(int) - truth.luma[eye][n]
            add("luma", difference[hidden])
            add("inside", difference[hidden & truth.inside[eye][n]])
            add("visible", difference[~hidden & (truth.z[eye][n] > 0)])
            add("rgb", (rgb[n].astype(int) - truth.rgb[eye][n])[hidden])
            per_frame.append(psnr((difference[hidden].astype(float) ** 2).sum(), hidden.sum()))
            if n + 1 < len(luma):
                column, row, seen = truth.next_pixels(eye, n)
                both = holes[n] & seen & holes[n + 1][row, column]
                after = luma[n + 1][row, column].astype(int)
                sums["flicker"][0] += float(np.abs(after - luma[n].astype(int))[both].sum())
                sums["flicker"][1] += int(both.sum())
    return {"luma_db": psnr(*sums["luma"]), "luma_frames_db": round(float(np.mean(per_frame)), 2),
            "rgb_db": psnr(*sums["rgb"]), "inside_db": psnr(*sums["inside"]),
            "visible_db": psnr(*sums["visible"]),
            "flicker": round(sums["flicker"][0] / max(1, sums["flicker"][1]), 2)}


def main():
    parser = clip_parser()
    parser.add_argument("--methods", nargs="*", default=METHODS, choices=METHODS)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    clip = os.path.join(args.data, args.clip)
    if not os.path.isdir(clip) or shutil.which("ffmpeg") is None:
        print(f"infill_accuracy: needs the ffmpeg program and a clip at {clip} (--data FOLDER)",
              file=sys.stderr)
        return SKIPPED
    truth = Truth(clip)
    xfov = float(np.degrees(2 * np.arctan(truth.w / 2 / truth.fx)))
    result = {"benchmark": "infill_accuracy", "clip": args.clip, "frames": len(truth.depth),
              "true_flicker": true_flicker(truth)}
    with tempfile.TemporaryDirectory() as tmp:
        color, depth = os.path.join(tmp, "color.yuv"), os.path.join(tmp, "depth.raw")
        poses = os.path.join(tmp, "poses.txt")
        subprocess.run(["ffmpeg", "-v", "error", "-i", truth.color, "-f", "rawvideo", "-pix_fmt",
                        "yuv420p", color], check=True)
        truth.depth.tofile(depth)
        np.savetxt(poses, np.stack(truth.poses).reshape(-1, 16))
        for method in args.methods:
            out = os.path.join(tmp, method)
            os.mkdir(out)
            told = subprocess.run(
                [os.path.join(args.build, "bin", "warp_raw"), color, depth, str(truth.w),
                 str(truth.h), repr(xfov), out, f"baseline={truth.baseline}", f"fill={method}",
                 f"poses={poses}", f"threads={args.threads}", *args.options],
                check=True, stdout=subprocess.PIPE).stdout
            result[method] = dict(measure(truth, out), **json.loads(told))
            shutil.rmtree(out)
    if {"directional", "observed"} <= result.keys():
        seen, beside = result["observed"], result["directional"]
        result["observed_cpu_over_directional"] = round(seen["fill_cpu_ms"] / beside["fill_cpu_ms"], 1)
        result["pass"] = {
            "observed_93_percent": seen["observed_share"] >= 0.93,
            "observed_2_db_above_directional": seen["luma_db"] >= beside["luma_db"] + 2,
            "flicker_below_the_truths": seen["flicker"] <= result["true_flicker"],
        }
    print(json.dumps(result, indent=1))
    return 0 if all(result.get("pass", {}).values()) else 1


if __name__ == "__main__":
    sys.exit(main())
