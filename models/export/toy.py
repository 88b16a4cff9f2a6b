#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tiny modules of every kind, whose outputs are known by formula: for tests, without any weights.

  python3 toy.py --kind depth_luminance --out luma.pt
  python3 toy.py --kind all --out FOLDER        one file for each kind, named after it

  depth_luminance  disparity = 4 Y + 0.5, unknown scale and shift; Y = 0.299 R + 0.587 G + 0.114 B
  depth_plane      3 m everywhere
  depth_ramp       1 + 4 (y + 0.5) / H metres in row y
  depth_rays       2 / (z of the pixel's ray) metres: 2 m in the middle, more towards the borders
  depth_video      disparity = (1 + m) (4 Y + 0.5) + m / 2 with m the mean Y of the window's last frame, so
                   that each window has a scale and shift of its own
  track            every point moves by (1.5, -0.5) pixels per frame; visible inside the picture
  flow_constant    (3, -1) pixels
  flow_match       the whole displacement up to 4 pixels at which 7 x 7 means of |a - b| are least
  segment          1 where Y > 0.5
  nvds_backbone    8 x features: 4 x 4 means of Y, of disparity, and of disparity times the numbers 1 .. 6
  nvds_head        the mean disparity of the four frames, enlarged, plus Y / 8 of the last one
  infill_*         the four parts of a diffusion infill: 8 x 8 means as latents; a UNet whose denoised
                   picture is  condition (1 - mask) + mean(embedding) mask  at every step
"""

import pathlib

import common  # before torch: it says what to install

import torch
import torch.nn.functional as F
from torch import nn


def luminance(image: torch.Tensor) -> torch.Tensor:
    """Keeps the channel dimension, the third from the end."""
    r, g, b = image.unbind(-3)
    return (0.299 * r + 0.587 * g + 0.114 * b).unsqueeze(-3)


class DepthLuminance(nn.Module):
    def forward(self, image):
        # Cubic resampling overshoots at hard edges, below -0.125 too.
        return (4 * luminance(image) + 0.5).clamp(min=0)


class DepthPlane(nn.Module):
    def forward(self, image):
        return torch.full_like(image[:, :1], 3.0)


class DepthRamp(nn.Module):
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        height = image.size(2)
        rows = torch.arange(height, device=image.device, dtype=image.dtype)
        ramp = 1 + 4 * (rows + 0.5) / height
        return ramp.reshape(1, 1, -1, 1).expand(image.size(0), 1, height, image.size(3)).contiguous()


class DepthRays(nn.Module):
    def forward(self, image, rays):
        return 2 / rays[:, 2:3] + 0 * image[:, :1]


class NvdsBackbone(nn.Module):
    def forward(self, frame):
        y = F.avg_pool2d(luminance(frame[:, :3]), 4)
        d = F.avg_pool2d(frame[:, 3:], 4)
        return torch.cat([y, d, d, 2 * d, 3 * d, 4 * d, 5 * d, 6 * d], dim=1)


class NvdsHead(nn.Module):
    def forward(self, f0, f1, f2, f3, image):
        mean = (f0[:, 1:2] + f1[:, 1:2] + f2[:, 1:2] + f3[:, 1:2]) / 4
        large = mean.repeat_interleave(4, dim=2).repeat_interleave(4, dim=3)
        return F.relu(large + luminance(image) / 8)


class DepthVideo(nn.Module):
    def forward(self, frames):
        y = luminance(frames)
        mean = y[:, -1:].mean()
        return (1 + mean) * (4 * y + 0.5) + mean / 2


class Track(nn.Module):
    def forward(self, frames: torch.Tensor, queries: torch.Tensor):
        steps = torch.arange(frames.size(1), device=frames.device, dtype=frames.dtype)
        time = steps.reshape(1, -1, 1) - queries[:, :, 0].unsqueeze(1)
        x = queries[:, :, 1].unsqueeze(1) + 1.5 * time
        y = queries[:, :, 2].unsqueeze(1) - 0.5 * time
        inside = (x >= 0) & (x <= frames.size(4) - 1) & (y >= 0) & (y <= frames.size(3) - 1)
        visible = inside.to(frames.dtype)
        return torch.stack([x, y], dim=-1), visible, 0.9 * visible


class FlowConstant(nn.Module):
    def forward(self, a, b):
        ones = torch.ones_like(a[:, :1])
        return torch.cat([3 * ones, -ones], dim=1), ones


class FlowMatch(nn.Module):
    reach: int

    def __init__(self, reach: int = 4):
        super().__init__()
        self.reach = reach

    def forward(self, a: torch.Tensor, b: torch.Tensor):
        height, width, r = a.size(2), a.size(3), self.reach
        around = F.pad(b, [r, r, r, r], mode="replicate")
        best = torch.full_like(a[:, :1], 1e9)
        flow = torch.zeros_like(a[:, :2])
        for v in range(-r, r + 1):
            for u in range(-r, r + 1):
                shifted = around[:, :, r + v : r + v + height, r + u : r + u + width]
                cost = F.avg_pool2d((a - shifted).abs().mean(1, keepdim=True), 7, 1, 3,
                                    count_include_pad=False)
                cost = cost + 1e-4 * float(u * u + v * v)  # the shorter one where two are equal
                better = cost < best
                best = torch.where(better, cost, best)
                ones = torch.ones_like(cost)
                flow = torch.where(better, torch.cat([ones * u, ones * v], dim=1), flow)
        return flow, torch.exp(-10 * best)


class Segment(nn.Module):
    def forward(self, image):
        return (luminance(image) > 0.5).to(image.dtype)


class VaeEncoder(nn.Module):
    def forward(self, image):
        return F.avg_pool2d(torch.cat([image, luminance(image)], dim=1), 8)


class ImageEncoder(nn.Module):
    def forward(self, image):
        return F.avg_pool2d(luminance(image), 7).reshape(1, 1, 1024)


class Unet(nn.Module):
    """v for which x / (s^2 + 1) - v s / sqrt(s^2 + 1) is the picture above, with s = exp(4 timestep)."""

    def forward(self, sample, timestep, embedding, time_ids):
        scaled, condition, mask = sample[:, :, :4], sample[:, :, 4:8], sample[:, :, 8:]
        sigma = torch.exp(4 * timestep).reshape(1, 1, 1, 1, 1)
        target = condition * (1 - mask) + embedding.mean() * mask + 0 * time_ids.sum()
        return (scaled - target * torch.sqrt(sigma * sigma + 1)) / sigma


class VaeDecoder(nn.Module):
    def forward(self, latent):
        return latent[:, :3].repeat_interleave(8, dim=2).repeat_interleave(8, dim=3)


def image_input(name="image", layout="NCHW", multiple=14, **changes):
    size = {"rule": "cover", "target": [140, 140], "multiple": multiple, "round": "nearest_even",
            "keep_aspect": True, "dynamic": True, "min": [multiple, multiple], "max": [2002, 2002]}
    size.update(changes.pop("size", {}))
    return {"name": name, "layout": layout, "range": [0, 1], "color": "rgb", "normalize": "in_module",
            "size": size, "resample": "cubic_opencv", **changes}


def output(name, quantity, scale=None, unit=None, layout="NCHW", resample="bilinear_align_corners",
           **more):
    result = {"name": name, "layout": layout, "quantity": quantity, "unit": unit,
              "resample": resample, **more}
    if scale:
        result["scale"] = scale
    return result


def pictures(*shapes, **options):
    return [(common.example(shape, seed, **options),) for seed, shape in enumerate(shapes)]


def picture_pairs(*shapes):
    """A picture and the same one moved by (2, 1)."""
    pairs = []
    for seed, shape in enumerate(shapes):
        a = common.example(shape, seed)
        pairs.append((a, torch.roll(a, shifts=(1, 2), dims=(2, 3))))
    return pairs


def clips(*shapes):
    return [(common.example(shape, seed),) for seed, shape in enumerate(shapes)]


def tracks(*shapes):
    result = []
    for seed, (frames, points, height, width) in enumerate(shapes):
        queries = torch.rand((1, points, 3), generator=torch.Generator().manual_seed(seed))
        queries = torch.floor(queries * torch.tensor([frames, width, height], dtype=torch.float32))
        result.append((common.example((1, frames, 3, height, width), seed), queries))
    return result


NATIVE_8 = {"rule": "native", "multiple": 8, "round": "floor", "dynamic": True, "min": [8, 8],
            "max": [2048, 2048]}
# Of Video-Depth-Anything.
WINDOW = {"length": 32, "stride": 22, "overlap": 10,
          "carry": [0, 12, 24, 25, 26, 27, 28, 29, 30, 31], "align_refs": [0, 12], "blend": 8,
          "align": "scale_shift", "pad": "repeat_last", "min_length": 1}
SCHEDULER = {"sigma_min": 0.002, "sigma_max": 700, "rho": 7, "prediction": "v", "steps": 8,
             "guidance": 1.01, "fps_id": 6, "motion_bucket": 127, "noise_augmentation": 0,
             "latent_scale": 0.18215, "chunk": 23, "carry": 3}


def latent_input(name, channels):
    return {"name": name, "layout": "1FCHW", "channels": channels, "downscale": 8, "size": NATIVE_8}


NATIVE_32 = {"rule": "native", "multiple": 32, "round": "floor", "dynamic": True, "min": [32, 32],
             "max": [2048, 2048]}


def features(*shapes):
    """Four maps of features and the last picture."""
    result = []
    for seed, (height, width) in enumerate(shapes):
        maps = [common.example((1, 8, height // 4, width // 4), 10 * seed + k) for k in range(4)]
        result.append((*maps, common.example((1, 3, height, width), seed)))
    return result


def rays(*shapes):
    result = []
    for seed, shape in enumerate(shapes):
        vectors = common.example(shape, seed + 5, low=0.2)
        result.append((common.example(shape, seed), vectors / vectors.norm(dim=1, keepdim=True)))
    return result


def unet_examples(*shapes):
    result = []
    for seed, (frames, height, width) in enumerate(shapes):
        generator = torch.Generator().manual_seed(seed)
        sample = torch.randn((1, frames, 9, height, width), generator=generator)
        sample[:, :, 8:] = (sample[:, :, 8:] > 0).float()
        result.append((sample, torch.tensor([0.5 - seed]),
                       torch.randn((1, 1, 1024), generator=generator), torch.tensor([[6.0, 127.0, 0.0]])))
    return result


DISPARITY = dict(quantity="disparity", scale="affine", non_negative=True)
METRES = dict(quantity="depth", scale="metric", unit="m", non_negative=True, max_depth=20.0)

# Name: module, whether it is traced (else scripted), metadata, examples.
KINDS = {
    "depth_luminance": lambda: (DepthLuminance(), True, {
        "kind": "depth", "inputs": [image_input()], "outputs": [output("depth", **DISPARITY)],
        "batch": {"dynamic": True, "max": 8}},
        pictures((1, 3, 28, 42), (2, 3, 56, 28), (1, 3, 14, 14))),
    "depth_plane": lambda: (DepthPlane(), True, {
        "kind": "depth", "inputs": [image_input()], "outputs": [output("depth", **METRES)],
        "batch": {"dynamic": True, "max": 8}},
        pictures((1, 3, 28, 42), (2, 3, 56, 28), (1, 3, 14, 14))),
    "depth_ramp": lambda: (DepthRamp(), False, {
        "kind": "depth", "inputs": [image_input()], "outputs": [output("depth", **METRES)],
        "batch": {"dynamic": True, "max": 8}},
        pictures((1, 3, 28, 42), (2, 3, 56, 28), (1, 3, 14, 14))),
    "depth_rays": lambda: (DepthRays(), True, {
        "kind": "depth",
        "inputs": [image_input(), image_input("rays")],
        "outputs": [output("depth", "depth", scale="metric", unit="m", non_negative=True)],
        "batch": {"dynamic": True, "max": 8}},
        rays((1, 3, 28, 42), (2, 3, 56, 28))),
    "nvds_backbone": lambda: (NvdsBackbone(), True, {
        "kind": "stabilizer_part", "role": "backbone",
        "inputs": [{"name": "frame", "layout": "NCHW", "channels": 4, "size": NATIVE_32}],
        "outputs": [output("features", "latent", channels=8, downscale=4)]},
        pictures((1, 4, 32, 64), (1, 4, 64, 32))),
    "nvds_head": lambda: (NvdsHead(), True, {
        "kind": "stabilizer_part", "role": "head",
        "inputs": [{"name": f"f{k}", "layout": "NCHW", "channels": 8, "downscale": 4,
                    "size": NATIVE_32} for k in range(4)]
        + [{"name": "image", "layout": "NCHW", "size": NATIVE_32}],
        "outputs": [output("disparity", "disparity", scale="affine", non_negative=True)]},
        features((32, 64), (64, 32))),
    "depth_video": lambda: (DepthVideo(), True, {
        "kind": "depth_video", "inputs": [image_input("frames", "1TCHW")],
        "outputs": [output("depth", layout="1TCHW", **DISPARITY)], "window": WINDOW},
        clips((1, 32, 3, 14, 28), (1, 32, 3, 28, 14))),
    "track": lambda: (Track(), False, {
        "kind": "track",
        "inputs": [image_input("frames", "1TCHW", multiple=8, resample="bilinear_align_corners"),
                   {"name": "queries", "layout": "1N3"}],
        "outputs": [output("tracks", "position", unit="px", layout="1TN2"),
                    output("visible", "probability", layout="1TN"),
                    output("confidence", "probability", layout="1TN")],
        "pixel_center": 0,
        "window": {"length": 60, "stride": 45, "overlap": 0, "dynamic": True, "min_length": 1}},
        tracks((6, 5, 24, 32), (9, 3, 32, 16))),
    "flow_constant": lambda: (FlowConstant(), True, {
        "kind": "flow", "inputs": [image_input("a", multiple=8, size={"rule": "native"}),
                                   image_input("b", multiple=8, size={"rule": "native"})],
        "outputs": [output("flow", "flow", unit="px", resample="bilinear"),
                    output("confidence", "probability", resample="bilinear")],
        "batch": {"dynamic": True, "max": 8}},
        picture_pairs((1, 3, 24, 32), (2, 3, 32, 16))),
    "flow_match": lambda: (FlowMatch(), False, {
        "kind": "flow", "inputs": [image_input("a", multiple=8, size={"rule": "native"}),
                                   image_input("b", multiple=8, size={"rule": "native"})],
        "outputs": [output("flow", "flow", unit="px", resample="bilinear"),
                    output("confidence", "probability", resample="bilinear")],
        "batch": {"dynamic": True, "max": 8}, "fixed": {"reach": 4}},
        picture_pairs((1, 3, 24, 32), (2, 3, 32, 16))),
    "segment": lambda: (Segment(), True, {
        "kind": "segment",
        "inputs": [image_input(multiple=1, resample="lanczos3_antialias",
                               size={"rule": "fixed", "target": [64, 64], "keep_aspect": False,
                                     "dynamic": False})],
        "outputs": [output("mask", "probability", resample="lanczos3_antialias")],
        "batch": {"dynamic": True, "max": 8}},
        pictures((1, 3, 64, 64), (2, 3, 64, 64))),
    "infill_vae_encoder": lambda: (VaeEncoder(), True, {
        "kind": "infill_part", "role": "vae_encoder",
        "inputs": [{"name": "image", "layout": "FCHW", "range": [-1, 1], "size": NATIVE_8}],
        "outputs": [output("latent", "latent", layout="FCHW", channels=4, downscale=8)]},
        pictures((1, 3, 16, 24), (2, 3, 24, 16), low=-1.0)),
    "infill_image_encoder": lambda: (ImageEncoder(), True, {
        "kind": "infill_part", "role": "image_encoder",
        "inputs": [{"name": "image", "layout": "1CHW",
                    "size": {"rule": "fixed", "target": [224, 224], "keep_aspect": False,
                             "dynamic": False},
                    "resample": "bicubic"}],
        "outputs": [output("embedding", "latent", layout="11D")]},
        pictures((1, 3, 224, 224))),
    "infill_unet": lambda: (Unet(), True, {
        "kind": "infill_part", "role": "unet",
        "inputs": [latent_input("sample", 9), {"name": "timestep", "layout": "1"},
                   {"name": "embedding", "layout": "11D"}, {"name": "time_ids", "layout": "13"}],
        "outputs": [output("v", "latent", layout="1FCHW", channels=4, downscale=8)],
        "scheduler": SCHEDULER},
        unet_examples((2, 3, 4), (3, 4, 2))),
    "infill_vae_decoder": lambda: (VaeDecoder(), True, {
        "kind": "infill_part", "role": "vae_decoder",
        "inputs": [{"name": "latent", "layout": "FCHW", "channels": 4, "downscale": 8, "size": NATIVE_8}],
        "outputs": [output("image", "image", layout="FCHW")]},
        pictures((1, 4, 2, 3), (2, 4, 3, 2), low=-1.0)),
}


def write(kind, out, manifest=True):
    """Writes one module. Returns the report."""
    module, trace, meta, examples = KINDS[kind]()
    meta = {"kind": meta.pop("kind"), "name": "toy-" + kind.replace("_", "-"),
            "source": {"upstream": "mdvt, models/export/toy.py", "license": "Apache-2.0",
                       "checkpoint": "none: a formula"}, **meta}
    if meta["kind"] == "infill_part":
        meta["group"] = "toy-infill"
    if meta["kind"] == "stabilizer_part":
        meta["group"] = "toy-nvds"
    return common.export(module, meta, examples, out, trace=trace, manifest=manifest,
                         origin="mdvt", exporter=f"models/export/toy.py --kind {kind}")


def run():
    parser = common.parser(__doc__.split("\n\n")[0], out_is_file=False)
    parser.add_argument("--kind", choices=[*sorted(KINDS), "all"], default="all", help="which one")
    args = parser.parse_args()
    if args.kind != "all":
        print(write(args.kind, args.out, not args.no_manifest), end="")
        return
    folder = pathlib.Path(args.out)
    if not folder.is_dir():
        raise common.ExportError(f"{folder}: no such folder")
    for kind in KINDS:
        write(kind, folder / f"{kind}.pt", not args.no_manifest)
        print(folder / f"{kind}.pt")


if __name__ == "__main__":
    common.main(run)
