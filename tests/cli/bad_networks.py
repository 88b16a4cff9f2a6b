#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes networks that break what their metadata promises, into FOLDER: bad_networks.py FOLDER.

bare.pt is a network without metadata. The others are named KIND-FAULT.pt:

  kinds   depth (relative), metric, window (relative, eight frames), backbone, head (of a stabiliser)
  faults  rank   one dimension less than promised        size   half the promised sides
          more   one output more than promised           nan    no number in one place
          zeros  zero everywhere
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "models" / "export"))

import toy

import torch
import torch.nn.functional as F
from torch import nn

FAULTS = ("rank", "size", "more", "nan", "zeros")


def spoiled(depth, fault):
    if fault == "rank":
        return depth.flatten(-2)
    if fault == "size":
        return depth[..., ::2, ::2].contiguous()
    if fault == "more":
        return depth, depth[..., :1]
    if fault == "nan":
        ones = torch.ones_like(depth)
        ones[..., 0, 0] = 0
        return depth * (ones / ones)
    return 0 * depth


class Bad(nn.Module):
    def __init__(self, module, fault):
        super().__init__()
        self.module, self.fault = module, fault

    def forward(self, *inputs):
        return spoiled(self.module(*inputs), self.fault)


class Metric(nn.Module):
    def forward(self, image):
        return 1 + toy.luminance(image).clamp(min=0)


def save(module, meta, examples, path):
    module = torch.jit.trace(module.eval(), examples, check_trace=False)
    text = json.dumps({"format": 1, "source": {"upstream": "a test", "license": "none"}, **meta})
    torch.jit.save(module, str(path), _extra_files={"mdvt.json": text})


def main():
    folder = pathlib.Path(sys.argv[1])
    torch.jit.save(torch.jit.trace(toy.DepthLuminance(), torch.zeros(1, 3, 14, 14)), str(folder / "bare.pt"))
    window = dict(toy.WINDOW, length=8, stride=6, overlap=2, carry=[0, 7], align_refs=[0, 7], blend=1)
    for kind, source in (("depth", "depth_luminance"), ("metric", "depth_plane"), ("window", "depth_video"),
                         ("backbone", "nvds_backbone"), ("head", "nvds_head")):
        module, _, meta, examples = toy.KINDS[source]()
        example = examples[0]
        if kind == "metric":
            module = Metric()
        if kind == "window":
            meta["window"], example = window, (torch.rand(1, 8, 3, 14, 28),)
        if "role" in meta:
            meta["group"] = "toy-nvds"
        for fault in FAULTS:
            save(Bad(module, fault), {"name": f"{kind}-{fault}", **meta}, example, folder / f"{kind}-{fault}.pt")


if __name__ == "__main__":
    main()
