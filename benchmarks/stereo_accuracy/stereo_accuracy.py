#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Accuracy of the view synthesis on a clip with true eye views.

    stereo_accuracy.py [--data FOLDER] [--build FOLDER] [--png FOLDER]

Renders color.mp4 with the true depth and compares with the true left.mp4 and right.mp4. Prints one
JSON object; all figures are means over frames and eyes unless they say otherwise. The exit status
is 0 if all demands under "pass" are met, 77 if there is no clip or no ffmpeg.

Definitions
  source position  of an eye pixel with its true depth z: x -+ fx * B / 2 / z (left: minus), the
                   eyes being displaced by B / 2 along the camera's x axis; rows coincide.
  visible          the source position lies inside the picture and the depth of the nearest source
                   sample there differs from z by at most 2 %.
  disoccluded      the source position lies outside, or the nearest source sample there is more than
                   2 % nearer than z.
  reference        the source sampled at the source positions of the true eye depth, Catmull-Rom or
                   linear, whichever is better.
  PSNR             over the R, G, B samples of the pixels in question, of all frames together.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    sys.exit("stereo_accuracy: needs numpy (apt-get install python3-numpy)")

TOLERANCE = 0.02
SKIPPED = 77  # as ctest understands it


def decode(path, pix_fmt, width, height, channels, dtype, extra=()):
    raw = subprocess.run(
        ["ffmpeg", "-v", "error", *extra, "-i", path, "-f", "rawvideo", "-pix_fmt", pix_fmt, "-"],
        check=True, stdout=subprocess.PIPE).stdout
    shape = (-1, height, width, channels) if channels > 1 else (-1, height, width)
    return np.frombuffer(raw, dtype).reshape(shape)


def rgb_of_yuv(path, width, height):
    """RGB of raw yuv420p, converted as the clips themselves are."""
    return decode(path, "rgb24", width, height, 3, np.uint8,
                  ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{width}x{height}",
                   "-color_range", "tv", "-colorspace", "bt709", "-chroma_sample_location", "left"])


def cubic(p, f):
    pm, p0, p1, p2 = p
    return p0 + 0.5 * f * (p1 - pm + f * (2 * pm - 5 * p0 + 4 * p1 - p2 + f * (3 * (p0 - p1) + p2 - pm)))


def sample(row_image, x, kind):
    """row_image H x W x C at source positions x (H x W, samples)."""
    h, w = x.shape
    rows = np.arange(h)[:, None]
    i = np.floor(x).astype(int)
    f = (x - i)[..., None]
    tap = lambda d: row_image[rows, np.clip(i + d, 0, w - 1)].astype(np.float64)
    if kind == "linear":
        out = tap(0) + f * (tap(1) - tap(0))
    else:
        out = cubic((tap(-1), tap(0), tap(1), tap(2)), f)
    return np.clip(np.rint(out), 0, 255)


class Error:
    def __init__(self):
        self.sum = 0.0
        self.count = 0

    def add(self, a, b, mask):
        d = a[mask].astype(np.float64) - b[mask].astype(np.float64)
        self.sum += float((d * d).sum())
        self.count += d.size

    def psnr(self):
        return round(float(10 * np.log10(255 ** 2 * self.count / max(self.sum, 1e-9))), 3)


def write_png(path, rgb):
    h, w = rgb.shape[:2]
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s",
                    f"{w}x{h}", "-i", "-", path], check=True, input=rgb.astype(np.uint8).tobytes())


def clip_parser():
    """The options by which a clip and a build are named."""
    here = os.path.dirname(os.path.abspath(__file__))
    root = os.path.normpath(os.path.join(here, "..", ".."))
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default=os.environ.get(
        "MDVT_DATA", os.path.join(root, "..", "shared", "data")))
    parser.add_argument("--clip", default="dev_dolly")
    parser.add_argument("--build", default=os.path.join(root, "build"))
    parser.add_argument("--options", nargs="*", default=[], help="key=value pairs for warp_raw")
    return parser


def main():
    parser = clip_parser()
    parser.add_argument("--png", help="folder for pictures of some frames")
    args = parser.parse_args()
    clip = os.path.join(args.data, args.clip)
    if not os.path.isdir(clip):
        print(f"stereo_accuracy: no clip at {clip}; name the folder of the clips by --data",
              file=sys.stderr)
        return SKIPPED
    if shutil.which("ffmpeg") is None:
        print("stereo_accuracy: needs the ffmpeg program", file=sys.stderr)
        return SKIPPED
    with open(os.path.join(clip, "scene.json")) as file:
        scene = json.load(file)
    w, h, fx = scene["width"], scene["height"], scene["K"][0][0]
    k = fx * scene["baseline_m"] / 2
    xfov = float(np.degrees(2 * np.arctan(w / 2 / fx)))

    color = decode(os.path.join(clip, "color.mp4"), "rgb24", w, h, 3, np.uint8)
    depth = decode(os.path.join(clip, "depth_mm.mkv"), "gray16le", w, h, 1, np.uint16)
    truth = {e: decode(os.path.join(clip, f"{e}.mp4"), "rgb24", w, h, 3, np.uint8)
             for e in ("left", "right")}
    true_depth = {e: decode(os.path.join(clip, f"{e}_depth_mm.mkv"), "gray16le", w, h, 1, np.uint16)
                  for e in ("left", "right")}

    result = {"benchmark": "stereo_accuracy", "clip": args.clip, "frames": len(color)}
    with tempfile.TemporaryDirectory() as tmp:
        raw_color, raw_depth = os.path.join(tmp, "color.yuv"), os.path.join(tmp, "depth.raw")
        subprocess.run(["ffmpeg", "-v", "error", "-i", os.path.join(clip, "color.mp4"), "-f",
                        "rawvideo", "-pix_fmt", "yuv420p", raw_color], check=True)
        depth.tofile(raw_depth)
        runs = {}
        for name, options in (("torn", ["edges=tear"]), ("filled", ["edges=tear", "fill=1"]),
                              ("stretched", ["edges=stretch"])):
            out = os.path.join(tmp, name)
            os.mkdir(out)
            subprocess.run([os.path.join(args.build, "bin", "warp_raw"), raw_color, raw_depth,
                            str(w), str(h), repr(xfov), out, f"baseline={scene['baseline_m']}",
                            *options, *args.options], check=True,
                           stdout=subprocess.DEVNULL)
            runs[name] = {
                e: (rgb_of_yuv(os.path.join(out, f"{e}.yuv"), w, h),
                    np.fromfile(os.path.join(out, f"{e}_holes.gray"), np.uint8).reshape(-1, h, w) > 0)
                for e in ("left", "right")}

    errors = {}
    err = lambda name: errors.setdefault(name, Error())
    intersection = union = holes = hidden_count = inner_i = inner_u = 0
    columns = np.arange(w)[None, :].repeat(h, 0).astype(np.float64)
    rows = np.arange(h)[:, None]
    for e, sign in (("left", -1), ("right", 1)):
        for n in range(len(color)):
            z = true_depth[e][n].astype(np.float64) / 1000
            valid = z > 0
            x = columns + sign * k / np.maximum(z, 1e-3)
            inside = (x >= -0.5) & (x <= w - 0.5)
            nearest = np.clip(np.rint(x).astype(int), 0, w - 1)
            source_z = depth[n][rows, nearest] / 1000.0
            visible = valid & inside & (np.abs(source_z - z) <= TOLERANCE * z)
            hidden = valid & (~inside | (source_z < z * (1 - TOLERANCE)))
            for kind in ("linear", "cubic"):
                err("reference_" + kind).add(sample(color[n], x, kind), truth[e][n], visible)
            torn, mask = runs["torn"][e][0][n], runs["torn"][e][1][n]
            filled, stretched = runs["filled"][e][0][n], runs["stretched"][e][0][n]
            err("visible_torn").add(torn, truth[e][n], visible & ~mask)
            err("visible_torn_with_holes").add(torn, truth[e][n], visible)
            err("visible_filled").add(filled, truth[e][n], visible)
            err("visible_stretched").add(stretched, truth[e][n], visible)
            err("disoccluded_filled").add(filled, truth[e][n], hidden)
            err("disoccluded_stretched").add(stretched, truth[e][n], hidden)
            err("disoccluded_inside_filled").add(filled, truth[e][n], hidden & inside)
            err("all_filled").add(filled, truth[e][n], valid)
            err("all_stretched").add(stretched, truth[e][n], valid)
            intersection += int((mask & hidden).sum())
            union += int((mask | hidden).sum())
            # Without the strips at the borders, which are easy.
            inner = np.zeros_like(mask)
            inner[:, 32:-32] = True
            inner_i += int((mask & hidden & inner).sum())
            inner_u += int(((mask | hidden) & inner).sum())
            holes += int(mask.sum())
            hidden_count += int(hidden.sum())
            if args.png and n % 12 == 6:
                os.makedirs(args.png, exist_ok=True)
                overlay = torn.copy()
                overlay[mask & hidden] = (0, 255, 0)
                overlay[mask & ~hidden] = (255, 0, 0)
                overlay[~mask & hidden] = (0, 0, 255)
                difference = np.clip(128 + 2 * (filled.astype(int) - truth[e][n]), 0, 255)
                write_png(os.path.join(args.png, f"{e}_{n:03d}.png"), np.vstack(
                    [np.hstack([filled, truth[e][n]]), np.hstack([overlay, difference])]))
    result["psnr"] = {name: error.psnr() for name, error in errors.items()}
    reference = max(errors["reference_linear"].psnr(), errors["reference_cubic"].psnr())
    result["visible_below_reference_db"] = round(reference - errors["visible_torn"].psnr(), 3)
    result["visible_below_reference_holes_counted_db"] = round(
        reference - errors["visible_torn_with_holes"].psnr(), 3)
    result["visible_filled_below_reference_db"] = round(
        reference - errors["visible_filled"].psnr(), 3)
    result["hole_iou"] = round(intersection / max(union, 1), 4)
    result["hole_iou_without_borders"] = round(inner_i / max(inner_u, 1), 4)
    pixels = 2 * len(color) * w * h
    result["hole_percent"] = round(100 * holes / pixels, 3)
    result["disoccluded_percent"] = round(100 * hidden_count / pixels, 3)
    result["precision"] = round(intersection / max(holes, 1), 4)
    result["recall"] = round(intersection / max(hidden_count, 1), 4)
    result["pass"] = {
        "visible_within_0.5_db": result["visible_filled_below_reference_db"] <= 0.5,
        "hole_iou_0.8": result["hole_iou"] >= 0.8,
        "disoccluded_18.5_db": result["psnr"]["disoccluded_filled"] >= 18.5,
    }
    print(json.dumps(result, indent=1))
    return 0 if all(result["pass"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
