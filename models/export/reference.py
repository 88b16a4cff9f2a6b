#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What mdvt does with a picture before a network sees it, and with the network's map afterwards.

A second, plain implementation in numpy of the documented rules, to compare the library with:

  reference.py --video-frame frame.npy --metadata mdvt.json --out tensor.npy
  reference.py --video-frame frame.npy --metadata mdvt.json --map map.npy --out depth.npy
  reference.py --video-frame frame.npy --model da2-vits.pt --out depth.npy

--video-frame  H x W x 3, RGB: uint8, uint16 (of all 16 bits) or float in 0..1
--metadata     the JSON text, or the .pt file that has it inside
--map          h x w (or 1 x 1 x h x w) of the network's size: brought back to H x W
--model        run it (needs torch): the first output for the frame, brought back to H x W
Without --map and --model the result is the network's input, 1 x 3 x h x w float32.
"""

import argparse
import json
import math
import pathlib
import sys
import zipfile

try:
    import numpy as np
except ImportError:
    sys.exit(f"reference.py: numpy is missing in {sys.executable}: install it (Debian: apt install python3-numpy, "
             "and run /usr/bin/python3; elsewhere: pip install numpy)")

MAX_SIDE = 1 << 20


class ReferenceError(Exception):
    """What a person should read, as one line."""


# ---------------------------------------------------------------------------------------------------
# Sizes. All pairs are (height, width), as in metadata.


def _round_side(side, target, rule):
    multiple, rounding = rule["multiple"], rule["round"]
    if rounding == "ceil":
        return math.ceil((side - 1e-6) / multiple) * multiple
    if rounding == "floor":
        return math.floor((side + 1e-6) / multiple) * multiple
    nearest = round(side / multiple) * multiple  # halves to even, as numpy
    if rule["rule"] == "fit" and nearest > target:
        return math.floor(side / multiple) * multiple
    if rule["rule"] == "cover" and nearest < target:
        return math.ceil(side / multiple) * multiple
    return nearest


def complete(rule):
    """The rule with the defaults of the keys that it leaves out."""
    defaults = {"multiple": 1, "round": "nearest_even", "keep_aspect": True,
                "dynamic": rule["rule"] != "fixed", "min": [1, 1], "max": [MAX_SIDE, MAX_SIDE]}
    return {**defaults, **rule}


def plan(sides, rule):
    """How a picture of `sides` gets into the network's input.

    Returns padded (sides of the picture with its borders), picture (top, left of it in there), network
    (sides of the tensor), content (top, left, height, width of the resized `padded` in the tensor).
    """
    rule = complete(rule)
    height, width = sides
    low, high = rule.get("pad", {}).get("aspect", (0, math.inf))
    padded = [height, width]
    if width / height > high:
        padded[0] = max(height, math.floor(width / high))
    elif width / height < low:
        padded[1] = max(width, math.floor(height * low))
    place = ((padded[0] - height) // 2, (padded[1] - width) // 2)

    if not rule["dynamic"] or rule["rule"] == "fixed":
        network = tuple(rule["target"])
        content = (0, 0, *network)
        if rule["keep_aspect"]:
            scale = min(network[0] / padded[0], network[1] / padded[1])
            inner = [min(max(round(p * scale), 1), n) for p, n in zip(padded, network)]
            content = ((network[0] - inner[0]) // 2, (network[1] - inner[1]) // 2, *inner)
        return {"padded": tuple(padded), "picture": place, "network": network, "content": content}

    target = list(rule.get("target", (1, 1)))
    if "wide" in rule:
        above, like = rule["wide"]
        aspect = max(padded) / min(padded)
        if aspect > above:
            multiple = rule["multiple"]
            target = [max(1, round(math.floor(target[1] * like / aspect) / multiple)) * multiple] * 2
    scales = [t / p for t, p in zip(target, padded)]
    kind = rule["rule"]
    both = 1.0
    if kind == "cover":
        both = max(scales)
    elif kind == "fit":
        both = min(scales)
    elif kind == "minimal":
        both = scales[1] if abs(1 - scales[1]) < abs(1 - scales[0]) else scales[0]
    elif kind == "area":
        pixels = padded[0] * padded[1]
        both = math.sqrt(min(max(pixels, rule["min_pixels"]), rule["max_pixels"]) / pixels)
    if rule["keep_aspect"] or kind in ("area", "native"):
        scales = [both, both]
    scaled = [p * s for p, s in zip(padded, scales)]
    if kind == "area":
        scaled = [math.floor(s) for s in scaled]
    network = [_round_side(s, t, rule) for s, t in zip(scaled, target)]
    most = [m // rule["multiple"] * rule["multiple"] for m in rule["max"]]
    if any(n > m for n, m in zip(network, most)):
        shrink = [min(1.0, m / s) for m, s in zip(most, scaled)]
        if rule["keep_aspect"]:
            shrink = [min(shrink)] * 2
        free = {**rule, "rule": "native"}
        network = [min(m, _round_side(s * k, 0, free)) for m, s, k in zip(most, scaled, shrink)]
    least = [-(-m // rule["multiple"]) * rule["multiple"] for m in rule["min"]]
    network = tuple(int(max(n, m)) for n, m in zip(network, least))
    return {"padded": tuple(padded), "picture": place, "network": network, "content": (0, 0, *network)}


# ---------------------------------------------------------------------------------------------------
# Resampling: a matrix for each axis.


def _cubic(t, a):
    """The four weights at distances 1 + t, t, 1 - t, 2 - t, in the type of t."""
    one = t.dtype.type(1)
    a = t.dtype.type(a)
    outer = ((a * (t + one) - 5 * a) * (t + one) + 8 * a) * (t + one) - 4 * a
    near = ((a + 2) * t - (a + 3)) * t * t + one
    u = one - t
    far = ((a + 2) * u - (a + 3)) * u * u + one
    return outer, near, far, one - outer - near - far


def _antialiased(source, target, half_width, kernel):
    scale = source / target
    stretch = max(1.0, scale)
    centers = (np.arange(target) + 0.5) * scale
    begin = np.maximum(0, np.floor(centers - half_width * stretch + 0.5)).astype(int)
    end = np.minimum(source, np.floor(centers + half_width * stretch + 0.5)).astype(int)
    samples = np.arange(source)
    weights = kernel((samples[None] + 0.5 - centers[:, None]) / stretch)
    weights[(samples[None] < begin[:, None]) | (samples[None] >= end[:, None])] = 0
    return weights / weights.sum(1, keepdims=True)


def _lanczos(x):
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


def _tent(x):
    return np.maximum(0, 1 - np.abs(x))


def matrix(kind, source, target, grows=False):
    """target x source weights of the resampling `kind`; grows: either side of the picture does."""
    weights = np.zeros((target, source))
    rows = np.arange(target)

    def add(index, weight):
        np.add.at(weights, (rows, np.clip(index, 0, source - 1)), weight)

    scale = source / target
    position = (rows + 0.5) * scale - 0.5
    if kind == "area_or_cubic":
        kind = "cubic_opencv" if grows else "area"
    if kind in ("cubic_opencv", "bicubic"):
        if kind == "cubic_opencv":  # positions and weights in float, as OpenCV has them
            position = position.astype(np.float32)
        whole = np.floor(position)
        for tap, weight in enumerate(_cubic(position - whole, -0.75)):
            add(whole.astype(int) - 1 + tap, weight)
    elif kind == "bilinear":
        whole = np.floor(position).astype(int)
        add(whole, 1 - (position - whole))
        add(whole + 1, position - whole)
    elif kind == "bilinear_align_corners":
        position = rows * (source - 1) / (target - 1) if target > 1 else np.zeros(1)
        whole = np.floor(position).astype(int)
        add(whole, 1 - (position - whole))
        add(whole + 1, position - whole)
    elif kind == "bilinear_antialias":
        weights = _antialiased(source, target, 1, _tent)
    elif kind == "lanczos3_antialias":
        weights = _antialiased(source, target, 3, _lanczos)
    elif kind == "area" and not grows:
        edges = np.arange(source)[None]
        begin = rows[:, None] * scale
        overlap = np.minimum(edges + 1, begin + scale) - np.maximum(edges, begin)
        weights = np.maximum(0, overlap)
        weights[weights < 1e-3] = 0  # dropped by OpenCV
        weights /= np.minimum(scale, source - begin)
    elif kind == "area":
        whole = np.floor(rows * scale).astype(int)
        t = (rows + 1) - (whole + 1) / scale
        t = np.where(t <= 0, 0, t - np.floor(t))
        add(whole, 1 - t)
        add(whole + 1, t)
    elif kind == "nearest":
        add(rows * source // target, 1)
    else:
        raise ReferenceError(f"no resampling is named '{kind}'")
    return weights


def resize(picture, kind, sides):
    """H x W or H x W x C to the given (height, width), in double."""
    height, width = picture.shape[:2]
    grows = sides[0] > height or sides[1] > width
    down = matrix(kind, height, sides[0], grows)
    across = matrix(kind, width, sides[1], grows)
    return np.einsum("yv,vu...,xu->yx...", down, np.asarray(picture, np.float64), across, optimize=True)


# ---------------------------------------------------------------------------------------------------
# There and back.


def unit_range(frame):
    """RGB in 0..1."""
    if frame.ndim != 3 or frame.shape[2] != 3:
        raise ReferenceError(f"a frame of shape {frame.shape}, must be H x W x 3")
    if frame.dtype == np.uint8:
        return frame / 255.0
    if frame.dtype == np.uint16:
        return frame / 65535.0
    if frame.dtype.kind == "f":
        return frame.astype(np.float64)
    raise ReferenceError(f"a frame of {frame.dtype}, must be uint8, uint16 or float")


def _filled(picture, sides, place, pad):
    """`picture` at `place` in an image of `sides`; around it what "pad" says."""
    top, left = place
    bottom, right = sides[0] - top - picture.shape[0], sides[1] - left - picture.shape[1]
    if pad.get("mode", "zero_normalized") == "replicate":
        return np.pad(picture, ((top, bottom), (left, right), (0, 0)), mode="edge")
    result = np.empty((*sides, picture.shape[2]))
    result[:] = pad.get("value", (0.485, 0.456, 0.406))
    result[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return result


def network_input(frame, metadata):
    """The tensor 1 x 3 x h x w, float32, and the plan() behind it."""
    entry = metadata["inputs"][0]
    pad = entry["size"].get("pad", {})
    picture = unit_range(frame)
    if entry.get("range") == "image_max":
        picture = picture / max(picture.max(), 1e-6)
    way = plan(frame.shape[:2], entry["size"])
    padded = _filled(picture, way["padded"], way["picture"], pad)
    inner = resize(padded, entry.get("resample", "bilinear"), way["content"][2:])
    tensor = _filled(inner, way["network"], way["content"][:2], pad)
    if entry.get("range") == [-1, 1]:
        tensor = 2 * tensor - 1
    return np.ascontiguousarray(tensor.transpose(2, 0, 1)[None]).astype(np.float32), way


def picture_map(values, frame_sides, way, kind):
    """A map h x w of the network's size at the size of the frame, float32."""
    values = np.asarray(values, np.float64).reshape(values.shape[-2:])
    if values.shape != tuple(way["network"]):
        raise ReferenceError(f"a map of {values.shape}, the network's is {way['network']}")
    top, left, height, width = way["content"]
    padded = resize(values[top : top + height, left : left + width], kind, way["padded"])
    top, left = way["picture"]
    return padded[top : top + frame_sides[0], left : left + frame_sides[1]].astype(np.float32)


def read_metadata(path):
    """Of a JSON file, or of the archive that has it inside."""
    path = pathlib.Path(path)
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                name = next((n for n in archive.namelist() if n.endswith("/extra/mdvt.json")), None)
                if name is None:
                    raise ReferenceError(f"{path}: has no mdvt.json inside")
                return json.loads(archive.read(name))
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReferenceError(f"{path}: {error}") from error


def run(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--video-frame", required=True, metavar="NPY", help="H x W x 3, RGB")
    parser.add_argument("--metadata", help="JSON, or a model file (default: that of --model)")
    after = parser.add_mutually_exclusive_group()
    after.add_argument("--map", metavar="NPY", help="a map of the network to bring back")
    after.add_argument("--model", help="a model file to run")
    parser.add_argument("--out", required=True, metavar="NPY")
    args = parser.parse_args(arguments)
    if not (args.metadata or args.model):
        raise ReferenceError("give --metadata or --model")
    metadata = read_metadata(args.metadata or args.model)
    try:
        frame = np.load(args.video_frame, allow_pickle=False)
        values = np.load(args.map, allow_pickle=False) if args.map else None
    except (OSError, ValueError) as error:
        raise ReferenceError(str(error)) from error
    tensor, way = network_input(frame, metadata)
    if args.model:
        import torch

        with torch.no_grad():
            module = torch.jit.load(args.model, map_location="cpu").eval()
            outputs = module(torch.from_numpy(tensor))
        values = (outputs[0] if isinstance(outputs, tuple) else outputs)[0, 0].numpy()
    if values is not None:
        tensor = picture_map(values, frame.shape[:2], way, metadata["outputs"][0]["resample"])
    np.save(args.out, tensor)


if __name__ == "__main__":
    try:
        run(sys.argv[1:])
    except ReferenceError as error:
        print(f"reference.py: {error}", file=sys.stderr)
        sys.exit(1)
