#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports the Neural Video Depth Stabilizer (NVDS) to two TorchScript files for mdvt.

  python3 nvds.py --repo NVDS --checkpoint NVDS_Stabilizer.pth --size 384 672 \\
          --out nvds_backbone.pt --head-out nvds_head.pt

--repo is a clone of https://github.com/RaymondWang987/NVDS, of a revision that needs neither mmcv nor mmseg,
with the Python packages that it asks for. The trace freezes one size: choose the one that your videos need by
--size (384 672 for 16:9, 384 896 for wide pictures). Its backbone is SegFormer's, which is for non-commercial use.

The first file gives the features of one frame, the second joins those of four frames. Both are compared with the
original's result for the four frames at once.
"""

import contextlib
import io
import pathlib

import common  # before torch: it says what to install

import torch
import torch.nn.functional as F

LICENSE = "MIT; backbone.py, SegFormer's: NVIDIA Source Code License, no commercial use"
MULTIPLE = 32


def build(repo):
    common.add_repo(repo, "full_model.py")
    # Imported by upstream, used by no forward pass.
    common.shim("IPython", embed=None)
    common.shim("attr")
    common.shim("cv2")
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # upstream's, about each block
            from full_model import NVDS

            return NVDS()
    except ImportError as error:
        raise common.ExportError(f"--repo {repo}: {common.one_line(error)}") from error


class Backbone(torch.nn.Module):
    """Frame [N, 4, H, W], RGB and disparity in 0..1, to features [N, 256, H / 4, W / 4]."""

    def __init__(self, network):
        super().__init__()
        self.normalize = common.Normalize()
        self.backbone = network.backbone
        self.stabilizer = network.Stabilizer

    def forward(self, frame):
        rgb = self.normalize(frame[:, :3])
        levels = self.backbone.forward_features(torch.cat([rgb, frame[:, 3:]], dim=1))
        size = levels[0].shape[2:]
        linear = (self.stabilizer.linear_c4, self.stabilizer.linear_c3, self.stabilizer.linear_c2,
                  self.stabilizer.linear_c1)
        maps = []
        for level, project in zip(levels[::-1], linear):
            one = project(level).permute(0, 2, 1).reshape(level.shape[0], -1, *level.shape[2:])
            if one.shape[2:] != size:
                one = F.interpolate(one, size=size, mode="bilinear", align_corners=False)
            maps.append(one)
        return self.stabilizer.linear_fuse(torch.cat(maps, dim=1))


class Head(torch.nn.Module):
    """Features of four frames, oldest first, and the last picture in 0..1, to disparity [N, 1, H, W]."""

    def __init__(self, network):
        super().__init__()
        self.normalize = common.Normalize()
        self.edge_conv, self.edge_conv1 = network.edge_conv, network.edge_conv1
        self.stabilizer = network.Stabilizer

    def unbounded(self, f0, f1, f2, f3, image):
        edge = self.edge_conv(self.normalize(image))
        edge1 = self.edge_conv1(edge)
        window = torch.stack([f0, f1, f2, f3], dim=1)
        seen = self.stabilizer.decoder_focal(window)
        # Upstream's blocks work in place on what they are given.
        out = self.stabilizer.ffm2(window[:, -1].clone(), seen[:, -1].clone())
        out = self.stabilizer.ffm1(edge1, out)
        out = self.stabilizer.ffm0(edge, out)
        return self.stabilizer.AO(out)

    def forward(self, f0, f1, f2, f3, image):
        return F.relu(self.unbounded(f0, f1, f2, f3, image))


@torch.no_grad()
def show_most(backbone, head, height, width):
    """Makes random weights give a map of deviation 1, most of it above zero: the last ReLU would hide the rest."""
    frames = [common.example((1, 4, height, width), seed) for seed in range(4)]
    values = head.unbounded(*map(backbone, frames), frames[-1][:, :3])
    weight, bias = [value for _, value in head.stabilizer.AO.named_parameters()][-2:]
    spread = values.std()
    weight /= spread
    bias.copy_((bias - values.mean()) / spread + 1.5)


def compare(network, backbone, head, height, width):
    """Both halves against the whole."""
    frames = [common.example((1, 4, height, width), seed) for seed in range(4)]
    normalize = common.Normalize()
    window = torch.stack([torch.cat([normalize(f[:, :3]), f[:, 3:]], dim=1) for f in frames], dim=1)
    with torch.no_grad():
        expected = network(window, num_clips=4)
        found = head(*[backbone(f) for f in frames], frames[-1][:, :3])
    error = (found - expected).abs().max().item() / max(expected.std().item(), 1e-6)
    if not error <= 1e-3:
        raise common.ExportError("the two halves give other numbers than the whole network: "
                                 f"{error:.1e} of its deviation")


def metadata(name, source, role, inputs, outputs):
    return {"kind": "stabilizer_part", "name": name, "role": role, "group": "nvds", "source": source,
            "inputs": inputs, "outputs": outputs, "precision": ["fp32", "fp16_cuda"]}


def run():
    parser = common.parser(__doc__.split("\n\n")[0])
    parser.add_argument("--repo", required=True, help="folder of the clone of NVDS")
    common.weights_options(parser)
    parser.add_argument("--head-out", required=True, help="file for the second half")
    common.size_option(parser, (384, 672), "the one size that both files take (default: 384 672)")
    args = parser.parse_args()
    height, width = args.size
    if any(s % MULTIPLE or not MULTIPLE <= s <= 2048 for s in args.size):
        raise common.ExportError(f"--size {height} {width}: must be multiples of {MULTIPLE} in "
                                 f"[{MULTIPLE}, 2048]")
    common.check_out(args.head_out, not args.no_manifest)
    if pathlib.Path(args.out).absolute() == pathlib.Path(args.head_out).absolute():
        raise common.ExportError(f"--head-out {args.head_out}: is the file of --out")
    network = build(args.repo)
    if args.checkpoint:
        common.load_strictly(network, args.checkpoint, trusted=args.trust_checkpoint)
    else:
        common.fill_random(network, args.random_weights)
    network = network.eval()
    backbone, head = Backbone(network).eval(), Head(network).eval()
    if not args.checkpoint:
        show_most(backbone, head, height, width)
    common.progress("comparing both halves with the whole")
    compare(network, backbone, head, height, width)

    source = common.source("NVDS", LICENSE, args.repo, args.checkpoint, args.random_weights)
    size = {"rule": "fixed", "target": [height, width], "multiple": MULTIPLE, "keep_aspect": False,
            "dynamic": False}
    latent = {"layout": "NCHW", "channels": 256, "downscale": 4}
    frame = [{"name": "frame", "layout": "NCHW", "channels": 4, "size": size, "resample": "bicubic"}]
    image = {"name": "image", "layout": "NCHW", "size": size, "resample": "bicubic"}
    frames = [common.example((1, 4, height, width), seed) for seed in range(5)]
    origin = "https://github.com/RaymondWang987/NVDS"
    print(common.export(backbone,
                        metadata("nvds-backbone", source, "backbone", frame,
                                 [{"name": "features", "quantity": "latent", **latent}]),
                        [(f,) for f in frames[:2]], args.out, manifest=not args.no_manifest,
                        origin=origin, exporter="models/export/nvds.py"), end="")
    with torch.no_grad():
        features = [backbone(f) for f in frames]
    print(common.export(head,
                        metadata("nvds-head", source, "head",
                                 [{"name": f"f{k}", "size": size, **latent} for k in range(4)] + [image],
                                 [{"name": "disparity", "quantity": "disparity", "scale": "affine",
                                   "layout": "NCHW", "non_negative": True}]),
                        [(*features[:4], frames[3][:, :3].contiguous()),
                         (*features[1:5], frames[4][:, :3].contiguous())],
                        args.head_out, manifest=not args.no_manifest, origin=origin,
                        exporter="models/export/nvds.py"), end="")


if __name__ == "__main__":
    common.main(run)
