# SPDX-License-Identifier: Apache-2.0
"""What every exporter shares: patches for tracing, the export itself, its verification, its report.

An exporter builds an upstream network, wraps it so that it takes RGB pictures in 0..1, and calls
export(). That traces the wrapper, saves it with its metadata (mdvt.json inside the archive), loads the
file again and compares it with the original on every example, because a trace that is run at another
size than it was made with may be wrong without an error.

A file whose name ends in .onnx is written for ONNX Runtime instead, and compared by it.

Works with torch 1.13 to 2.x. Export with the oldest LibTorch that has to read the file.
"""

import argparse
import contextlib
import errno
import hashlib
import importlib
import json
import math
import os
import pathlib
import signal
import subprocess
import sys
import threading
import types
import warnings
from typing import List, Optional

try:
    import numpy as np
    import torch
    import torch.nn.functional as F
except ImportError as error:
    sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {error.name or error} is missing in {sys.executable}: install "
             "PyTorch and numpy (Debian: apt install python3-torch, and run /usr/bin/python3; elsewhere: "
             "pip install torch numpy)")

FORMAT = 1
TOLERANCE = 1e-4  # of the standard deviation of an output
ONNX_TOLERANCE = 1e-3  # other kernels, which sum in another order
ONNX_OPSET = 16
MOST_ONNX_BYTES = 2 ** 31 - 2 ** 20  # of weights in one file
MOST_WEIGHTS = 2 ** 27  # of attention, at once: 512 MB
ENDINGS = (".pt", ".pth", ".torchscript", ".onnx")  # of files that mdvt opens
CODE_BYTES = 2 ** 24  # more than a file holds besides its weights
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class ExportError(Exception):
    """What a person should read, as one line."""


def progress(text):
    """Tells on stderr what takes its time; the report goes to stdout."""
    print(f"{pathlib.Path(sys.argv[0]).name}: {text} ...", file=sys.stderr, flush=True)


# ---------------------------------------------------------------------------------------------------
# Patches: what upstream code does that a trace would freeze or cannot import.


def shim(name, **attributes):
    """Puts a stand-in module into sys.modules, its parents too, unless the real one is there.

    For imports that inference does not need. Returns the module.
    """
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        path = ".".join(parts[:end])
        if path not in sys.modules:
            module = types.ModuleType(path)
            module.__path__ = []  # so that it counts as a package
            sys.modules[path] = module
            if end > 1:
                setattr(sys.modules[".".join(parts[: end - 1])], parts[end - 1], module)
    for key, value in attributes.items():
        setattr(sys.modules[name], key, value)
    return sys.modules[name]


def shim_missing(**modules):
    """Puts stand-ins in place of those modules that are not installed: name = attributes.

    For imports of upstream code that inference does not need; "__" in a name stands for a dot.
    """
    for name, attributes in modules.items():
        name = name.replace("__", ".")
        try:
            importlib.import_module(name)
        except ImportError:
            shim(name, **attributes)


class _TracedTorch:
    """torch, but tensor() keeps sizes that are being traced."""

    def __getattr__(self, name):
        return getattr(torch, name)

    @staticmethod
    def tensor(data, dtype=None, device=None, **options):
        def holds_tensor(value):
            return torch.is_tensor(value) or isinstance(value, (list, tuple)) and any(map(holds_tensor, value))

        def build(value):
            if isinstance(value, (list, tuple)):
                return torch.stack([build(item) for item in value])
            return torch.as_tensor(value, dtype=dtype or torch.float32, device=device)

        if not holds_tensor(data):
            return torch.tensor(data, dtype=dtype, device=device, **options)
        return build(data)


@contextlib.contextmanager
def traced_tensors(*modules):
    """Lets torch.tensor([height, width]) of the given modules keep sizes that are being traced."""
    for module in modules:
        module.torch = _TracedTorch()
    try:
        yield
    finally:
        for module in modules:
            module.torch = torch


@contextlib.contextmanager
def traced_sizes(*modules):
    """Lets int() and float() of the given modules keep sizes that are being traced.

    A conversion to a Python number would freeze the size that the trace is made with.
    """

    def keep(convert):
        return lambda value=0, *rest: value if torch.is_tensor(value) else convert(value, *rest)

    before = [(module, name, module.__dict__.get(name)) for module in modules
              for name in ("int", "float")]
    for module in modules:
        module.int = keep(int)
        module.float = keep(float)
    try:
        yield
    finally:
        for module, name, value in before:
            if value is None:
                delattr(module, name)
            else:
                setattr(module, name, value)


def _plain_attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None):
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    weights = (query * scale) @ key.transpose(-2, -1)
    if is_causal:
        ones = torch.ones_like(weights[..., :, :], dtype=torch.bool).tril()
        weights = weights.masked_fill(~ones, float("-inf"))
    if attn_mask is not None:
        weights = (weights.masked_fill(~attn_mask, float("-inf")) if attn_mask.dtype == torch.bool
                   else weights + attn_mask)
    return weights.softmax(-1) @ value


@contextlib.contextmanager
def unscripted():
    """Leaves alone what upstream compiles at its import: old versions cannot, and a trace needs it not."""
    before = torch.jit.script
    torch.jit.script = lambda function, *_, **__: function
    try:
        yield
    finally:
        torch.jit.script = before


def _product_without_sum(baddbmm):
    """baddbmm() that does not read its first argument where that counts nothing: LibTorch 1.13 does, and what is not
    a number in the memory that upstream has not filled comes through."""

    def product(input, batch1, batch2, *, beta=1, alpha=1, **options):
        if beta == 0 and not options:
            return torch.bmm(batch1 * alpha, batch2)
        return baddbmm(input, batch1, batch2, beta=beta, alpha=alpha, **options)

    return product


@torch.jit.script
def _rows_of_attention(query, key, value, scale: float, most: int):
    weights_of_a_row = key.shape[-2]
    for side in query.shape[:-2]:
        weights_of_a_row *= side
    rows = max(1, most // max(1, weights_of_a_row))
    parts = [query[..., :0, :]]
    for begin in range(0, query.shape[-2], rows):
        part = query[..., begin : begin + rows, :] * scale
        parts.append((part @ key.transpose(-2, -1)).softmax(-1) @ value)
    return torch.cat(parts, dim=-2)


def _attention_by_rows(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None):
    """The same without masks, and without ever holding more than MOST_WEIGHTS: those of all pixels of a video to all
    others would not fit."""
    if attn_mask is not None or is_causal:
        return _plain_attention(query, key, value, attn_mask, dropout_p, is_causal, scale)
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    return _rows_of_attention(query, key, value, float(scale), MOST_WEIGHTS)


@contextlib.contextmanager
def attention_without_sdpa(by_rows=False):
    """Writes attention out: LibTorch 1.13 has no scaled_dot_product_attention, and mistakes in baddbmm.

    by_rows  in bounded memory; not for .onnx files
    """
    name = "scaled_dot_product_attention"
    before, baddbmm = getattr(F, name, None), torch.baddbmm
    setattr(F, name, _attention_by_rows if by_rows else _plain_attention)
    torch.baddbmm = _product_without_sum(baddbmm)
    try:
        yield
    finally:
        torch.baddbmm = baddbmm
        if before is None:
            delattr(F, name)
        else:
            setattr(F, name, before)


def _atan2(y, x):
    other_side = torch.where(y < 0, torch.full_like(y, -math.pi), torch.full_like(y, math.pi))
    angle = torch.atan(y / x) + torch.where(x < 0, other_side, torch.zeros_like(y))
    return torch.where((x == 0) & (y == 0), torch.zeros_like(y), angle)


@contextlib.contextmanager
def written_out(wanted=True):
    """Puts simpler operators in place of those that ONNX has not: atan2, and F.interpolate(antialias=True), which
    becomes two products with constants and so holds for one size of pictures.

    Whoever exports runs the network before it is traced: then the constants are made.
    """
    interpolate, atan2, matrices = F.interpolate, torch.atan2, {}

    def matrix(before, after, mode):
        if (before, after, mode) not in matrices:
            matrices[before, after, mode] = interpolate(torch.eye(before)[None, None], size=(after, before), mode=mode,
                                                        align_corners=False, antialias=True)[0, 0]
        return matrices[before, after, mode]

    def replacement(input, size=None, scale_factor=None, mode="nearest", align_corners=None, antialias=False, **options):
        if not antialias or size is None:
            options = {**options, "antialias": antialias} if antialias else options
            return interpolate(input, size, scale_factor, mode, align_corners, **options)
        rows, columns = (matrix(int(before), int(after), mode).to(input)
                         for before, after in zip(input.shape[2:], size))
        return rows @ input @ columns.T

    if wanted:
        F.interpolate, torch.atan2 = replacement, _atan2
    try:
        yield
    finally:
        F.interpolate, torch.atan2 = interpolate, atan2


@torch.jit.script
def _position_embedding(table: torch.Tensor, image: torch.Tensor, patch: int, offset: float):
    height, width = image.size(2), image.size(3)
    rows, columns = height // patch, width // patch
    count = table.size(1) - 1
    if rows * columns == count and height == width:
        return table
    side = int(math.sqrt(float(count)) + 0.5)
    grid = table[:, 1:].float().reshape(1, side, side, table.size(2)).permute(0, 3, 1, 2)
    scale: Optional[List[float]] = [(rows + offset) / side, (columns + offset) / side]
    grid = F.interpolate(grid, scale_factor=scale, mode="bicubic", align_corners=False)
    grid = grid.permute(0, 2, 3, 1).reshape(1, rows * columns, table.size(2))
    return torch.cat([table[:, :1].float(), grid], dim=1).to(table.dtype)


def _cubic_matrix(count, side, offset):
    """Rows are the weights with which F.interpolate(mode="bicubic") makes `count` samples of `side`.

    Of tensors alone, without a branch: what ONNX can say.
    """
    places = (torch.arange(count) + 0.5) * (side / (count + offset)) - 0.5
    first = places.floor()
    matrix = 0.0
    for tap in range(-1, 3):
        t = (places - first - tap).abs()
        near = ((1.25 * t - 2.25) * t) * t + 1
        far = ((-0.75 * t + 3.75) * t - 6.0) * t + 3
        index = (first + tap).clamp(0, side - 1)
        matrix = matrix + (index[:, None] == torch.arange(side)).float() * torch.where(t <= 1, near, far)[:, None]
    return matrix


def position_embedding(table, image, patch, offset):
    """DINOv2's position embedding for the size of `image`, a leaf that a trace keeps as it is.

    table  [1, 1 + n * n, C], that of the class token first. Resampled by the factor (side + offset) / n,
    offset included, as upstream does: the output size alone would move the sampling positions.
    """
    if not torch.onnx.is_in_onnx_export():
        return _position_embedding(table, image, patch, offset)
    height, width = image.shape[2], image.shape[3]
    rows, columns = height // patch, width // patch
    side = int((int(table.shape[1]) - 1) ** 0.5 + 0.5)
    # On the native grid the table itself.
    is_native = ((torch.as_tensor(rows) == side) & (torch.as_tensor(columns) == side)
                 & (torch.as_tensor(height) == torch.as_tensor(width)))
    offset = offset * (1 - is_native.float())
    grid = table[0, 1:].float().reshape(side, side, -1)
    grid = torch.einsum("ri,ijc->rjc", _cubic_matrix(rows, side, offset), grid)
    grid = torch.einsum("sj,rjc->rsc", _cubic_matrix(columns, side, offset), grid)
    return torch.cat([table[0, :1].float(), grid.flatten(0, 1)])[None].to(table.dtype)


def patch_dinov2(encoder, patch=14, offset=0.1):
    """Makes the position embedding of an upstream DINOv2 (without registers) follow the picture's size."""

    def tokens(self, image, masks=None):
        x = self.patch_embed(image)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1)
        return x + position_embedding(self.pos_embed, image, patch, offset)

    encoder.prepare_tokens_with_masks = types.MethodType(tokens, encoder)


def encode(features, x, bf16):
    """features(x) as a list, computed in bfloat16 if asked, given back in float32.

    What follows stays in float32: LibTorch 1.13 resizes bfloat16 with positions in bfloat16.
    """
    if not bf16:
        return features(x)
    with torch.autocast("cpu", dtype=torch.bfloat16, cache_enabled=False):
        result = features(x)
    return [tuple(part.float() for part in feature) if isinstance(feature, tuple) else feature.float()
            for feature in result]


@torch.jit.script
def sampler(image: torch.Tensor, points: torch.Tensor, align_corners: bool, padding_mode: str):
    """Bilinear samples of image [B, C, H, W] at points [B, h, w, 2], (x, y) in its pixels.

    The centre of the first pixel is at 0 with align_corners, at 0.5 without. The sizes are taken when it
    runs; upstream's samplers make a tensor of them, which a trace freezes.
    """
    width, height = image.size(3), image.size(2)
    if align_corners:
        x = points[..., 0] * (2.0 / float(max(width - 1, 1)))
        y = points[..., 1] * (2.0 / float(max(height - 1, 1)))
    else:
        x = points[..., 0] * (2.0 / float(width))
        y = points[..., 1] * (2.0 / float(height))
    grid = torch.stack([x, y], dim=-1) - 1.0
    return F.grid_sample(image, grid, mode="bilinear", padding_mode=padding_mode,
                         align_corners=align_corners)


class Normalize(torch.nn.Module):
    """(image - mean) / std, with the constants on the module's device."""

    def __init__(self, mean=IMAGENET_MEAN, std=IMAGENET_STD):
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def forward(self, image):
        return (image - self.mean) / self.std


# ---------------------------------------------------------------------------------------------------
# Weights, inputs, metadata.


@torch.no_grad()
def fill_random(module, seed):
    """Weights for tests and benchmarks: every one differs from zero, so that a comparison means something.

    Scaled by fan-in, so that activations keep their size. The same numbers for the same seed and names,
    in whatever order the module has them.
    """
    generator = torch.Generator().manual_seed(seed)

    def normal(shape):
        return torch.randn(shape, generator=generator)

    for name, value in sorted(module.named_parameters()):
        if name.endswith("gamma"):
            value.copy_(0.2 + 0.05 * normal(value.shape))
        elif value.dim() >= 2 and not name.endswith(("token", "embed")):
            value.copy_(normal(value.shape) * value[0].numel() ** -0.5)
        elif value.dim() >= 2:
            value.copy_(0.2 * normal(value.shape))
        elif name.endswith("weight"):
            value.copy_(1 + 0.1 * normal(value.shape))
        else:
            value.copy_(0.1 * normal(value.shape).abs())
    for name, value in sorted(module.named_buffers()):
        if name.endswith("running_mean"):
            value.copy_(0.1 * normal(value.shape))
        elif name.endswith("running_var"):
            value.copy_(1 + 0.2 * normal(value.shape).abs())


def read_checkpoint(path, trusted=False):
    """What a checkpoint (.pth, .ckpt, .safetensors) holds.

    trusted  read with pickle, which runs whatever the file says
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise ExportError(f"{path}: " + ("a folder, not a checkpoint" if path.is_dir() else "no such checkpoint"))
    progress(f"reading {path}")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(str(path))
        # Tensors alone: a pickle could run anything.
        return torch.load(path, map_location="cpu", weights_only=not trusted)
    except ModuleNotFoundError:
        raise
    except Exception as error:
        raise ExportError(f"{path}: not a checkpoint of tensors (--trust-checkpoint reads files that hold more, "
                          f"if you know where it comes from): {one_line(error)}") from error


def load_strictly(module, checkpoint, prefix="", wanted=None, trusted=False):
    """Loads a state dict of tensors out of a checkpoint; every key and shape must fit.

    prefix  what all keys of this network begin with in the file, unless none does: it is cut off, and others are
            left out
    wanted  tells of a key (without prefix) whether it belongs to the network: None takes all
    trusted  see read_checkpoint()
    """
    path, state = pathlib.Path(checkpoint), read_checkpoint(checkpoint, trusted)
    for key in ("model", "module", "state_dict"):
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    if isinstance(state, dict):
        # Of networks that were trained on several devices.
        if state and all(str(key).startswith("module.") for key in state):
            state = {key[len("module."):]: value for key, value in state.items()}
        if prefix and any(str(key).startswith(prefix) for key in state):
            state = {key[len(prefix):]: value for key, value in state.items() if str(key).startswith(prefix)}
        if wanted is not None:
            state = {key: value for key, value in state.items() if wanted(key)}
    try:
        module.load_state_dict(state, strict=True)
    except Exception as error:
        raise ExportError(f"{path}: is not of this network: {one_line(error)}") from error


def set_weights(module, args, **options):
    """The weights that the command line names: a checkpoint (see load_strictly()) or random ones."""
    if args.checkpoint:
        load_strictly(module, args.checkpoint, trusted=args.trust_checkpoint, **options)
    else:
        fill_random(module, args.random_weights)
    return module.eval()


def one_line(error):
    told = error.strerror if isinstance(error, OSError) else None  # without the name of the file
    text = " ".join((told or str(error)).split())
    return text if len(text) <= 300 else text[:297] + "..."


def check_input(shape):
    """The picture, batch or clip that the metadata's "check" is about, defined by formula.

    For column x of W, row y of H and channel c:
      0.5 + 0.25 ((x + 0.5) / W - 0.5) (1 - 0.25 c)
          + 0.25 sin(0.37 (c + 1) + 2 pi (3 (x + 0.5) / W + 2 (y + 0.5) / H))
    in double, rounded to float32 once. All pictures of a batch are the same; a tensor with fewer than
    three dimensions has c = 0, and y = 0 if it has one.
    """
    channels, height, width = ([1, 1, 1] + list(shape))[-3:]
    c = np.arange(channels, dtype=np.float64)[:, None, None]
    y = (np.arange(height, dtype=np.float64)[None, :, None] + 0.5) / height
    x = (np.arange(width, dtype=np.float64)[None, None, :] + 0.5) / width
    picture = (0.5 + 0.25 * (x - 0.5) * (1 - 0.25 * c)
               + 0.25 * np.sin(0.37 * (c + 1) + 2 * np.pi * (3 * x + 2 * y)))
    picture = picture.reshape([channels, height, width][-min(3, len(shape)):])
    return torch.from_numpy(np.broadcast_to(picture.astype(np.float32), shape).copy())


def example(shape, seed, low=0.0, high=1.0):
    """A picture for comparisons: smooth structure with noise. The same for the same seed."""
    noise = torch.rand(shape, generator=torch.Generator().manual_seed(seed))
    return low + (high - low) * (0.7 * check_input(shape) + 0.3 * noise).clamp(0, 1)


def camera_examples(size, rays):
    """Examples of one and of two pictures, with the rays of a camera if the network is told it."""
    result = []
    for batch in (1, 2):
        tensors = [example((batch, 3, *size), batch)]
        if rays:
            vectors = example((batch, 3, *size), batch + 5, low=-0.5, high=0.5)
            vectors[:, 2] = 1
            tensors.append(vectors / vectors.norm(dim=1, keepdim=True))
        result.append(tuple(tensors))
    return result


def track_examples(size, pixel_center, *shapes):
    """Examples of networks that follow points: of `shapes` frames and points each."""
    height, width = size
    result = []
    for seed, (frames, points) in enumerate(shapes):
        queries = torch.rand((1, points, 3), generator=torch.Generator().manual_seed(seed))
        queries = queries * torch.tensor([frames - 1.0, width - 1 + 2 * pixel_center, height - 1 + 2 * pixel_center])
        queries[..., 0] = queries[..., 0].round()
        result.append((example((1, frames, 3, height, width), seed), queries))
    return result


def file_hash(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def picture(name, rule, layout="NCHW", resample="cubic_opencv", range=(0, 1), channels=3, **size):
    """An entry of the metadata's "inputs" for pictures; `size` goes on with the rule's keys."""
    size = {"rule": rule, "keep_aspect": True, "dynamic": rule != "fixed", **size}
    result = {"name": name, "layout": layout, "range": list(range) if isinstance(range, tuple) else range,
              "normalize": "in_module", "size": size, "resample": resample}
    return {**result, "color": "rgb"} if channels == 3 else {**result, "channels": channels}


def output(name, quantity, layout="NCHW", **more):
    """An entry of the metadata's "outputs"."""
    return {"name": name, "layout": layout, "quantity": quantity, **more}


def track_metadata(name, size, multiple, length, pixel_center, fixed, resample="bilinear"):
    """Of networks that follow points through windows of up to `length` pictures of one size."""
    return {
        "kind": "track", "name": name,
        "inputs": [picture("frames", "fixed", "1TCHW", resample=resample, target=list(size), multiple=multiple,
                           keep_aspect=False),
                   {"name": "queries", "layout": "1N3"}],
        "outputs": [output("tracks", "position", "1TN2", unit="px"), output("visible", "probability", "1TN"),
                    output("confidence", "probability", "1TN")],
        "pixel_center": pixel_center, "fixed": fixed,
        "window": {"length": length, "stride": 45, "overlap": 0, "dynamic": True, "min_length": 1},
        "precision": ["fp32"],
    }


def source(upstream, license, repo=None, checkpoint=None, random_seed=None):
    """The "source" of the metadata."""
    commit = ""
    if repo is not None:
        call = ["git", "-C", str(repo), "rev-parse", "HEAD"]
        try:
            commit = subprocess.run(call, capture_output=True, text=True, check=True).stdout.strip()
        except (OSError, subprocess.CalledProcessError):
            pass  # an unpacked archive instead of a clone
    if checkpoint is None:
        return {"upstream": upstream, "commit": commit, "license": license,
                "checkpoint": f"random weights, seed {random_seed}: for tests only", "sha256": ""}
    return {"upstream": upstream, "commit": commit, "license": license,
            "checkpoint": pathlib.Path(checkpoint).name, "sha256": file_hash(checkpoint)}


# ---------------------------------------------------------------------------------------------------
# Export and verification.


def _as_tuple(value):
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _shapes(tensors):
    return " ".join("x".join(map(str, tensor.shape)) for tensor in tensors)


def _picture_sides(tensors):
    return next(((t.shape[-2], t.shape[-1]) for t in tensors if t.dim() >= 4), None)


def _least_special(examples, meta):
    """The example to trace on: not square and not the target, where upstream may take a short cut."""
    target = tuple(meta["inputs"][0].get("size", {}).get("target", ()))
    for number, tensors in enumerate(examples):
        sides = _picture_sides(tensors)
        if sides is None or (sides[0] != sides[1] and sides != target):
            return number
    return 0


def _check_examples(examples, meta):
    if not examples:
        raise ExportError("no examples to compare the export with")
    aspects = {round(sides[1] / sides[0], 2) for sides in map(_picture_sides, examples) if sides}
    dynamic = [i["size"].get("dynamic", True) for i in meta["inputs"] if "size" in i]
    if any(dynamic) and len(aspects) < 2:
        raise ExportError("a dynamic size needs examples of at least two proportions")
    batches = {tensors[0].shape[0] for tensors in examples}
    if meta.get("batch", {}).get("dynamic") and not batches - {1}:
        raise ExportError("a dynamic batch needs an example of two")


class _Comparison:
    """Outputs of an exported module against the original ones, example by example."""

    def __init__(self, names, examples, expected):
        self.names, self.examples, self.expected = names, examples, expected
        self.lines, self.worst, self.tolerance = [], 0.0, TOLERANCE

    def run(self, label, module, device="cpu", tolerance=TOLERANCE):
        self.tolerance = max(self.tolerance, tolerance)
        for number, (tensors, expected) in enumerate(zip(self.examples, self.expected), 1):
            progress(f"comparing with the original: {label}, example {number} of {len(self.examples)} "
                     f"({_shapes(tensors)})")
            outputs = _as_tuple(module(*(tensor.to(device) for tensor in tensors)))
            if len(outputs) != len(expected):
                raise ExportError(f"{label}: {len(outputs)} outputs instead of {len(expected)}")
            for name, actual, wanted in zip(self.names, outputs, expected):
                where = f"{label}, input {_shapes(tensors)}, output '{name}'"
                if actual.shape != wanted.shape:
                    raise ExportError(f"{where}: shape {tuple(actual.shape)} instead of "
                                      f"{tuple(wanted.shape)}: the trace froze a size")
                error = (actual.cpu().double() - wanted.double()).abs().max().item()
                spread = wanted.double().std(unbiased=False).item()
                if spread == 0:  # a constant: relative to its size
                    spread = max(1.0, wanted.double().abs().max().item())
                relative = error / spread
                self.lines.append(f"  {where}: {relative:.1e}")
                if not relative <= tolerance:  # NaN fails too
                    raise ExportError(f"{where}: differs from the original by {relative:.2e} standard "
                                      f"deviations, at most {tolerance:.0e} is allowed: the trace froze "
                                      "something, or the runtime computes differently")
                self.worst = max(self.worst, relative)


@contextlib.contextmanager
def without_profiling():
    """As mdvt runs modules on the CPU: a third of the memory. With profiling LibTorch 2.6 can crash at a second size."""
    before = torch._C._jit_set_profiling_executor(False)
    try:
        yield
    finally:
        torch._C._jit_set_profiling_executor(before)


def _figures(outputs):
    mean = [output.double().mean().item() for output in outputs]
    std = [output.double().std(unbiased=False).item() for output in outputs]
    return (mean[0], std[0]) if len(outputs) == 1 else (mean, std)


def _check_shape(check_shape, examples):
    if check_shape is None:
        smallest = min(examples, key=lambda tensors: tensors[0].numel())
        return [list(tensor.shape) for tensor in smallest]
    return [list(check_shape)] if isinstance(check_shape[0], int) else check_shape


def _metadata_text(meta, check_shape, mean, std):
    key, value = ("shape", check_shape[0]) if len(check_shape) == 1 else ("shapes", check_shape)
    return json.dumps({
        "format": FORMAT, **meta,
        "torch": {"exported_with": torch.__version__.split("+")[0].split("a")[0],
                  "min": ".".join(torch.__version__.split(".")[:2])},
        "check": {"seed": 0, key: value, "mean": mean, "std": std, "tol": 1e-4},
    }, indent=1, allow_nan=False)


# ---------------------------------------------------------------------------------------------------
# ONNX.


def _dynamic_axes(port, meta):
    """Numbers and names of the dimensions of an input or output that may change."""
    size = port.get("size", meta["inputs"][0].get("size", {}))
    sides = size.get("dynamic", True)
    track = meta["kind"] == "track"  # N are its points, T as many frames as the window lets it
    letters = {"N": track or meta.get("batch", {}).get("dynamic", False), "H": sides, "W": sides, "F": True,
               "T": meta.get("window", {}).get("dynamic", False)}
    return {axis: f"{port['name']}_{letter}" for axis, letter in enumerate(port["layout"])
            if letters.get(letter, False)}


def _protobuf_text(field, data):
    """A field of a protobuf message that is a text or a message: its key, its length, its bytes."""
    def number(value):
        result = b""
        while value >= 128:
            result += bytes([value & 127 | 128])
            value >>= 7
        return result + bytes([value])

    return number(field << 3 | 2) + number(len(data)) + data


def _check_onnx(module, out):
    """Tells before the work what would end it."""
    weights = _weight_bytes(module)
    if weights > MOST_ONNX_BYTES:
        raise ExportError(f"{out}: {weights / 1e9:.1f} GB of weights are too many for one .onnx file, write a .pt file")
    try:
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise ExportError("comparing an .onnx file needs the Python package onnxruntime: pip install "
                          f"onnxruntime for {sys.executable}") from error


def _write_onnx(module, meta, example, out, partial, text):
    ports = meta["inputs"] + meta["outputs"]
    progress(f"writing {out}: tracing at {_shapes(example)}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options = {} if "dynamo" not in torch.onnx.export.__code__.co_varnames else {"dynamo": False}
        torch.onnx.export(module, tuple(example), str(partial), opset_version=ONNX_OPSET,
                          input_names=[port["name"] for port in meta["inputs"]],
                          output_names=[port["name"] for port in meta["outputs"]],
                          dynamic_axes={port["name"]: _dynamic_axes(port, meta) for port in ports},
                          **options)
    # Messages of protobuf may be written one behind the other: this adds an entry of metadata_props.
    entry = _protobuf_text(1, b"mdvt.json") + _protobuf_text(2, text.encode("utf-8"))
    with open(partial, "ab") as file:
        file.write(_protobuf_text(14, entry))


def _onnx_module(path):
    """The file as a function of tensors."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ExportError(f"ONNX Runtime does not take the file: {one_line(error)}") from error
    names = [port.name for port in session.get_inputs()]

    def run(*tensors):
        try:
            results = session.run(None, {name: t.numpy() for name, t in zip(names, tensors)})
        except Exception as error:
            raise ExportError(f"ONNX Runtime, input {_shapes(tensors)}: {one_line(error)}") from error
        return tuple(torch.from_numpy(result) for result in results)

    return run


def _follow_device(module):
    """Lets what a trace makes anew (ranges, grids) lie where the module's input does, not where it was traced."""
    for part in module.modules():
        if not part._c._has_method("forward"):
            continue
        graph = part._c._get_method("forward").graph
        anchor = next((v for v in graph.inputs() if v.type().kind() == "TensorType"), None)
        frozen = [node for node in graph.nodes()
                  if node.kind() == "prim::Constant" and node.output().type().kind() == "DeviceObjType"]
        if anchor is None or not frozen:
            continue
        device = graph.create("prim::device", [anchor], 1)
        device.output().setType(frozen[0].output().type())
        graph.prependNode(device)
        for node in frozen:
            node.output().replaceAllUsesWith(device.output())


def _weight_bytes(module):
    return sum(value.numel() * value.element_size() for value in module.state_dict().values())


def check_out(path, manifest=True):
    """Raises ExportError if an export to this name would fail at its end: told before the work, not after it."""
    out = pathlib.Path(path)
    if not out.name or out.is_dir():
        raise ExportError(f"{out}: is a folder, give the name of the file")
    if out.suffix.lower() not in ENDINGS:
        raise ExportError(f"{out}: has to end in .pt, or in .onnx for ONNX Runtime: mdvt tells files by that")
    if not out.parent.is_dir():
        raise ExportError(f"{out.parent}: no such folder")
    if manifest:
        _read_manifest(out.with_name("manifest.json"))
    with _written(out) as partial:
        partial.touch()


_unfinished = set()  # files that are being written


@contextlib.contextmanager
def _written(path):
    """A name to write what is to become `path` under; what lies there at the end is deleted."""
    partial = path.with_name(path.name + ".partial")
    _unfinished.add(partial)
    try:
        yield partial
    except OSError as error:
        raise ExportError(f"{path}: cannot be written: {one_line(error)}") from error
    finally:
        _delete(partial)


def _delete(partial):
    with contextlib.suppress(OSError):
        partial.unlink()
    _unfinished.discard(partial)


def _make_room(path, size):
    """Raises OSError where the disk has not that much room: torch.jit.save would end the process."""
    if not hasattr(os, "posix_fallocate"):
        return
    with open(path, "wb") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise


def export(wrapper, meta, examples, out, check_shape=None, trace=True, origin="", exporter="",
           manifest=True):
    """Traces (or scripts) `wrapper`, saves it as `out`, verifies the file and returns a report.

    meta         the metadata without "format", "torch" and "check"
    examples     tuples of input tensors: at least two proportions where sizes are dynamic, and a batch
                 of two where that is. The file is compared with `wrapper` on each
    check_shape  shape of the first input, or shapes of all, for the metadata's "check"; None is that
                 of the smallest example
    trace        False: torch.jit.script, for modules with loops
    origin, exporter, manifest   the entry in manifest.json beside `out`; manifest=False adds none

    A name that ends in .onnx makes a file for ONNX Runtime.

    Raises ExportError; then there is no file `out`, or still the old one.
    """
    out = pathlib.Path(out)
    check_out(out, manifest)
    to_onnx = out.suffix.lower() == ".onnx"
    if to_onnx:
        _check_onnx(wrapper, out)
    _check_examples(examples, meta)
    names = [output["name"] for output in meta["outputs"]]
    # The wrapper as well as the network: freezing refuses one in training mode.
    wrapper = wrapper.eval().requires_grad_(False)
    try:
        with torch.no_grad(), without_profiling(), _written(out) as partial:
            progress(f"running the original on {len(examples)} examples")
            expected = [tuple(o.clone() for o in _as_tuple(wrapper(*tensors))) for tensors in examples]
            for outputs in expected:
                if len(outputs) != len(names):
                    raise ExportError(f"the module has {len(outputs)} outputs, the metadata "
                                      f"{len(names)}")
                if not all(torch.isfinite(o).all() for o in outputs):
                    raise ExportError("the original itself gives values that are not finite")
            number = _least_special(examples, meta)
            if to_onnx:
                check_shape = _check_shape(check_shape, examples)
                mean, std = _figures(_as_tuple(wrapper(*map(check_input, check_shape))))
                _write_onnx(wrapper if trace else torch.jit.script(wrapper), meta, examples[number], out,
                            partial, _metadata_text(meta, check_shape, mean, std))
                comparison = _Comparison(names, examples, expected)
                comparison.run("ONNX Runtime", _onnx_module(partial), tolerance=ONNX_TOLERANCE)
                return _finish(partial, out, meta, comparison, check_shape, mean, std,
                               f"opset {ONNX_OPSET}, traced at {_shapes(examples[number])}",
                               origin, exporter, manifest)
            progress(("tracing at " + _shapes(examples[number])) if trace else "compiling")
            if trace:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", torch.jit.TracerWarning)
                    module = torch.jit.trace(wrapper, examples[number], check_trace=False)
                _follow_device(module)
            else:
                module = torch.jit.script(wrapper)

            check_shape = _check_shape(check_shape, examples)
            mean, std = _figures(_as_tuple(module(*map(check_input, check_shape))))
            text = _metadata_text(meta, check_shape, mean, std)
            progress(f"writing {out}")
            _make_room(partial, _weight_bytes(wrapper) + CODE_BYTES)
            torch.jit.save(module, str(partial), _extra_files={"mdvt.json": text})

            stored = {"mdvt.json": ""}
            loaded = torch.jit.load(str(partial), map_location="cpu", _extra_files=stored).eval()
            found = stored["mdvt.json"]
            if (found.decode() if isinstance(found, bytes) else found) != text:
                raise ExportError("the metadata did not survive saving")
            comparison = _Comparison(names, examples, expected)
            comparison.run("loaded", loaded)
            again = _figures(_as_tuple(loaded(*map(check_input, check_shape))))
            if not np.allclose(again, (mean, std), rtol=1e-5, atol=1e-6):
                raise ExportError(f"the check input gives {again} after loading, {(mean, std)} before")
            comparison.run("frozen", torch.jit.freeze(loaded))
            if torch.cuda.is_available():
                torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
                on_device = torch.jit.load(str(partial), map_location="cuda").eval()
                # Other kernels sum in another order; what is frozen to the CPU fails altogether.
                comparison.run("CUDA", torch.jit.freeze(on_device), "cuda", 10 * TOLERANCE)
            return _finish(partial, out, meta, comparison, check_shape, mean, std,
                           f"traced at {_shapes(examples[number])}" if trace else "scripted", origin, exporter,
                           manifest)
    except RuntimeError as error:
        raise ExportError(f"torch: {one_line(error)}") from error


def finish(wrapper, meta, examples, args, origin, exporter, upstream, license, **options):
    """export() of what the command line asks for, with "source" in the metadata; prints the report.

    exporter  the command without the names of files, as manifest.json tells it
    checkpoint_name  of weights that are a folder; others are args.checkpoint
    """
    name = options.pop("checkpoint_name", None)
    if name is not None and args.random_weights is None:
        meta["source"] = {"upstream": upstream, "commit": "", "license": license,
                          "checkpoint": pathlib.Path(name).name, "sha256": ""}
    else:
        meta["source"] = source(upstream, license, getattr(args, "repo", None), args.checkpoint, args.random_weights)
    out = options.pop("out", None) or args.out
    print(f"{upstream}: licence of the weights {license}", file=sys.stderr)
    print(export(wrapper, meta, examples, out, manifest=not args.no_manifest, origin=origin,
                 exporter=f"models/export/{exporter}", **options), end="")


def _finish(partial, out, meta, comparison, check_shape, mean, std, how, origin, exporter, manifest):
    """Gives the file its name, a text with what was compared and an entry in the manifest; returns the text."""
    size, digest = partial.stat().st_size, file_hash(partial)
    report = "\n".join([
        f"{out.name}: {meta['name']}, {size / 1e6:.1f} MB, kind {meta['kind']}",
        f"sha256 {digest}",
        f"licence {meta['source']['license']}, checkpoint {meta['source']['checkpoint']}",
        f"exported with torch {torch.__version__}, {how}",
        f"largest difference from the original {comparison.worst:.1e} of {comparison.tolerance:.0e} allowed, "
        "in standard deviations of the output:",
        *comparison.lines,
        f"check: input {' '.join(map(str, check_shape))}, mean {mean}, std {std}",
        "",
    ])
    texts = {out.with_name(out.name + ".report.txt"): report}
    if manifest:
        path = out.with_name("manifest.json")
        content = _read_manifest(path)
        content["models"] = [model for model in content["models"] if model["file"] != out.name] + [
            {"file": out.name, "origin": origin or meta["source"]["upstream"], "license": meta["source"]["license"],
             "exporter": exporter or None, "size": size, "sha256": digest}]
        texts[path] = json.dumps(content, indent=1) + "\n"
    with contextlib.ExitStack() as stack:
        # All that takes room first: then the names change, together.
        written = [(stack.enter_context(_written(path)), path) for path in texts]
        for (temporary, _), text in zip(written, texts.values()):
            temporary.write_text(text, encoding="utf-8")
        for temporary, path in [(partial, out), *written]:
            os.replace(temporary, path)
    return report


def _read_manifest(path):
    """manifest.json beside an exported file: mdvt opens files that it lists."""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        for model in manifest["models"]:
            model["file"]
    except FileNotFoundError:
        return {"format": 1, "models": []}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ExportError(f"{path}: not a manifest, mend it or move it away: {one_line(error)}") from error
    return manifest


# ---------------------------------------------------------------------------------------------------
# Command lines.


class _Parser(argparse.ArgumentParser):
    def parse_args(self, *arguments):
        args = super().parse_args(*arguments)
        if getattr(args, "trust_checkpoint", False) and args.checkpoint is None:
            raise ExportError("--trust-checkpoint: there is no --checkpoint")
        if self.out_is_file:
            check_out(args.out, not args.no_manifest)
            checkpoint = getattr(args, "checkpoint", None)
            if checkpoint and os.path.exists(args.out) and os.path.exists(checkpoint) and os.path.samefile(args.out, checkpoint):
                raise ExportError(f"--out {args.out}: is the checkpoint")
        return args


def parser(text, out_is_file=True):
    """A parser with what all exporters take."""
    result = _Parser(description=text, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    result.out_is_file = out_is_file
    result.add_argument("--out", required=True, help="the file to write, for example da2-vits.pt, or da2-vits.onnx for ONNX Runtime")
    result.add_argument("--no-manifest", action="store_true",
                        help="do not list the file in manifest.json beside it")
    return result


def weights_options(result):
    """Where the weights come from."""
    group = result.add_mutually_exclusive_group(required=True)
    group.add_argument("--checkpoint", help="the published weights, a state dict of tensors")
    group.add_argument("--random-weights", type=int, metavar="SEED",
                       help="random weights instead: for tests and benchmarks without a checkpoint")
    result.add_argument("--trust-checkpoint", action="store_true",
                        help="read also a checkpoint that holds more than tensors: such a file can run any code")


def repo_option(result, url, what=""):
    """Where the original code is."""
    result.add_argument("--repo", required=True, metavar="FOLDER", help=f"clone of {url}{what}")


def size_option(result, default, text, name="size"):
    result.add_argument(f"--{name}", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"), default=default, help=text)


def checked_size(option, size, multiple, low, high):
    """A size that the command line gives, as (height, width)."""
    if any(side % multiple or not low <= side <= high for side in size):
        raise ExportError(f"--{option} {' '.join(map(str, size))}: must be multiples of {multiple} in [{low}, {high}]")
    return tuple(size)


def bare_packages(root, *names):
    """Makes packages below `root` importable without their __init__, which imports what inference needs not."""
    for name in names:
        shim(name).__path__ = [str(pathlib.Path(root).resolve() / name.replace(".", "/"))]


def upstream(name):
    """A module of the clone. What is missing there or in this Python is told in one line."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise
    except ImportError as error:
        raise ExportError(f"the original's {name}: {one_line(error)}") from error


def add_repo(path, *expected, inside=""):
    """Makes the clone at `path` importable, or its folder `inside`."""
    root = pathlib.Path(path, inside)
    for name in expected:
        if not (root / name).exists():
            raise ExportError(f"--repo {path}: has no {pathlib.Path(inside, name)}, give the folder of the clone")
    # A package there may have the name of an exporter here.
    here = pathlib.Path(__file__).resolve().parent
    sys.path[:] = [folder for folder in sys.path if pathlib.Path(folder).resolve() != here]
    sys.path.insert(0, str(root.resolve()))
    return root


def main(run):
    """Runs a command line: 0, or 1 after one line that says what went wrong; 130 or 143 if a signal ends it."""
    name = pathlib.Path(sys.argv[0]).name
    failure = []

    def work():
        try:
            torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity")
                                  else os.cpu_count() or 1)
            run()
        except BaseException as error:
            failure.append(error)

    def end(number, _):
        for partial in list(_unfinished):
            _delete(partial)
        print(f"{name}: {'interrupted' if number == signal.SIGINT else 'terminated'}", file=sys.stderr, flush=True)
        os._exit(128 + number)

    warnings.filterwarnings("ignore")  # upstream's, about what is deprecated
    # A pass of a large network takes minutes, in which a thread hears no signal: this one waits for it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    try:
        if failure:
            raise failure[0]
    except ExportError as error:
        print(f"{name}: {error}", file=sys.stderr)
        sys.exit(1)
    except ModuleNotFoundError as error:
        print(f"{name}: the original needs the Python package '{error.name}': pip install it for {sys.executable}, "
              "or take the environment of the clone", file=sys.stderr)
        sys.exit(1)
