#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports the small network of TCMonoDepth to a TorchScript file for mdvt.

  python3 tcmonodepth.py --checkpoint tcmonodepth_small.pt --out tcmonodepth-small.pt

The network is written here from the names and shapes of its checkpoint: a clone of
https://github.com/yu-li/TCMonoDepth is not needed. Its weights (186,063) were trained to be steady in time;
it sees near and far on ordinary clips and runs in real time on one core, but knows no metres.
"""

import common  # before torch: it says what to install

import torch
from torch import nn
from torch.nn import functional as F

LICENSE = "MIT"
MULTIPLE = 32
# Output channels of each half of a unit, and units, of the three stages.
STAGES = ((24, 4), (48, 8), (96, 4))
FIRST = 24


def pointwise(inputs, outputs):
    return [nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]


def depthwise(channels, stride):
    return [nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False),
            nn.BatchNorm2d(channels)]


class Unit(nn.Module):
    """Of ShuffleNetV2: one half of the channels goes through, the other is worked on."""

    def __init__(self, inputs, half, stride):
        super().__init__()
        self.whole = stride == 2  # both branches see all channels
        self.branch_main = nn.Sequential(*pointwise(inputs, half), nn.ReLU(), *depthwise(half, stride),
                                         *pointwise(half, half), nn.ReLU())
        if self.whole:
            self.branch_proj = nn.Sequential(*depthwise(inputs, stride), *pointwise(inputs, half),
                                             nn.ReLU())

    def forward(self, x):
        if self.whole:
            return torch.cat([self.branch_proj(x), self.branch_main(x)], dim=1)
        # Even channels and odd ones, in a way that a trace takes for every size.
        return torch.cat([x[:, ::2], self.branch_main(x[:, 1::2])], dim=1)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.first_conv = nn.Sequential(nn.Conv2d(3, FIRST, 3, 2, 1, bias=False),
                                        nn.BatchNorm2d(FIRST), nn.ReLU())
        units, inputs, ends = [], FIRST, [0]
        for half, count in STAGES:
            units += [Unit(inputs, half, 2)] + [Unit(half, half, 1) for _ in range(count - 1)]
            inputs = 2 * half
            ends.append(len(units))
        self.features = nn.Sequential(*units)
        # The checkpoint names the same tensors twice.
        self.stage1 = self.features[ends[0]:ends[1]]
        self.stage2 = self.features[ends[1]:ends[2]]
        self.stage3 = self.features[ends[2]:ends[3]]

    def forward(self, image):
        """Levels of 1/2, 1/4, 1/8 and 1/16 of the size, of 24, 48, 96 and 192 channels."""
        first = self.first_conv(image)
        second = self.stage1(first)
        third = self.stage2(second)
        return first, second, third, self.stage3(third)


class Separable(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.Sequential(*depthwise(inputs, 1), nn.ReLU(),
                                  nn.Conv2d(inputs, outputs, 1, bias=False))

    def forward(self, x):
        return self.conv(x)


class Merge(nn.Module):
    """Joins a coarse level with the next finer one."""

    def __init__(self, coarse, fine):
        super().__init__()
        skip = coarse // 4
        self.skip_conv = nn.Sequential(*pointwise(fine, skip), nn.ReLU())
        self.last_conv = nn.Sequential(Separable(coarse + skip, coarse // 2),
                                       nn.BatchNorm2d(coarse // 2), nn.ReLU())

    def forward(self, coarse, fine):
        coarse = F.interpolate(coarse, size=fine.shape[2:], mode="bilinear", align_corners=False)
        return self.last_conv(torch.cat([coarse, self.skip_conv(fine)], dim=1))


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.decoder3 = Merge(192, 96)
        self.decoder2 = Merge(96, 48)
        self.decoder1 = Merge(48, FIRST)
        self.final = nn.Conv2d(24, 1, 3, 1, 1)
        # Coarser maps, which only training looks at.
        self.final2 = nn.Sequential(nn.Conv2d(48, 1, 3, 1, 1))
        self.final3 = nn.Sequential(nn.Conv2d(96, 1, 3, 1, 1))

    def forward(self, first, second, third, fourth):
        finest = self.decoder1(self.decoder2(self.decoder3(fourth, third), second), first)
        map_ = F.relu(self.final(finest))
        return F.interpolate(map_, scale_factor=2.0, mode="bilinear", align_corners=False)


class TcMonoDepthSmall(nn.Module):
    """RGB in 0..1, sides multiples of 32, to disparity [B, 1, H, W] up to scale and shift."""

    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Decoder()

    def forward(self, image):
        return self.decoder(*self.encoder(image))


def metadata(source, side):
    return {
        "kind": "depth", "name": "tcmonodepth-small", "source": source,
        "inputs": [{"name": "image", "layout": "NCHW", "range": [0, 1], "color": "rgb",
                    "normalize": "in_module",
                    "size": {"rule": "cover", "target": [side, side], "multiple": MULTIPLE,
                             "round": "nearest_even", "keep_aspect": True, "dynamic": True,
                             "min": [MULTIPLE, MULTIPLE], "max": [2048, 2048]},
                    "resample": "cubic_opencv"}],
        "outputs": [{"name": "depth", "layout": "NCHW", "quantity": "disparity", "scale": "affine",
                     "unit": None, "resample": "bilinear", "non_negative": True}],
        "batch": {"dynamic": True, "max": 8},
        "precision": ["fp32", "fp16_cuda"],
        "channels_last": True,
    }


def run():
    parser = common.parser(__doc__.split("\n\n")[0])
    common.weights_options(parser)
    parser.add_argument("--input-size", type=int, default=256, metavar="PIXELS",
                        help="the short side of what the network sees, a multiple of 32 (default: 256)")
    args = parser.parse_args()
    if args.input_size % MULTIPLE or not MULTIPLE <= args.input_size <= 2048:
        raise common.ExportError(f"--input-size {args.input_size}: must be a multiple of {MULTIPLE} in "
                                 f"[{MULTIPLE}, 2048]")
    network = TcMonoDepthSmall()
    if args.checkpoint:
        common.load_strictly(network, args.checkpoint, trusted=args.trust_checkpoint)
    else:
        common.fill_random(network, args.random_weights)
        # Most of the map above zero, so that the last ReLU does not hide the rest.
        nn.init.constant_(network.decoder.final.bias, 3.0)
    shapes = ((1, 256, 448), (2, 96, 64), (1, 320, 192))
    examples = [(common.example((batch, 3, height, width), seed),)
                for seed, (batch, height, width) in enumerate(shapes)]
    source = common.source("TCMonoDepth", LICENSE, None, args.checkpoint, args.random_weights)
    print(common.export(network, metadata(source, args.input_size), examples, args.out,
                        manifest=not args.no_manifest, origin="https://github.com/yu-li/TCMonoDepth",
                        exporter="models/export/tcmonodepth.py"), end="")


if __name__ == "__main__":
    common.main(run)
