#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes .onnx files as others publish them: normalized input, no metadata, outputs that nobody asks for.

  python3 foreign_onnx.py depth OUT    4 Y + 0.5 of the picture as "predicted_depth" [N, H, W], after another output
  python3 foreign_onnx.py outside OUT  the same depth of pictures in 0..1 as "depth" [N, 1, H, W], weights in OUT.data
  python3 foreign_onnx.py mask OUT     1 where Y > 0.5 as the first of three outputs without telling names
  python3 foreign_onnx.py memory FOLDER  networks that take much memory, "image" in 0..1 to "depth" [N, 1, H, W]:
      pairs    relates all cells of 4 x 4 pixels to each other        layers   convolutions, the first at full size
      blocks   attention and layers of tokens, as vision transformers  counts   as many values as there are bright pixels
"""

import pathlib
import struct
import sys

import torch

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


class Network(torch.nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def forward(self, x):
        r, g, b = (x * STD + MEAN).unbind(1)
        y = 0.299 * r + 0.587 * g + 0.114 * b
        if self.kind == "depth":
            return 7 * x, (4 * y + 0.5).clamp(min=0)
        mask = torch.sigmoid(1000 * (y - 0.5)).unsqueeze(1)
        return mask, 1 - mask, 0 * mask


def number(value):
    result = b""
    while value >= 128:
        result += bytes([value % 128 + 128])
        value >>= 7
    return result + bytes([value])


def field(key, value):
    """Of a protobuf message: a whole number, a text or a message."""
    if isinstance(value, int):
        return number(key << 3) + number(value)
    value = value.encode() if isinstance(value, str) else value
    return number(key << 3 | 2) + number(len(value)) + value


def write_outside(out):
    """depth = Conv(image, w, b) of one pixel, w and b in another file."""
    weights = struct.pack("<4f", 4 * 0.299, 4 * 0.587, 4 * 0.114, 0.5)
    name = pathlib.Path(out).name + ".data"
    pathlib.Path(out).with_name(name).write_bytes(weights)

    def tensor(key, dims, offset, length):
        places = (("location", name), ("offset", str(offset)), ("length", str(length)))
        return (b"".join(field(1, dim) for dim in dims) + field(2, 1) + field(8, key)
                + b"".join(field(13, field(1, what) + field(2, value)) for what, value in places) + field(14, 1))

    def port(key, channels):
        dims = (field(2, "n"), field(1, channels), field(2, "h"), field(2, "w"))
        shape = b"".join(field(1, dim) for dim in dims)
        return field(1, key) + field(2, field(1, field(1, 1) + field(2, shape)))

    node = field(1, "image") + field(1, "w") + field(1, "b") + field(2, "depth") + field(4, "Conv")
    graph = (field(1, node) + field(2, "g") + field(5, tensor("w", (1, 3, 1, 1), 0, 12)) + field(5, tensor("b", (1,), 12, 4))
             + field(11, port("image", 3)) + field(12, port("depth", 1)))
    pathlib.Path(out).write_bytes(field(1, 8) + field(8, field(1, "") + field(2, 13)) + field(7, graph))


class Pairs(torch.nn.Module):
    def forward(self, x):
        cells = torch.nn.functional.avg_pool2d(x.mean(1, keepdim=True), 4)
        v = cells.flatten(2)
        seen = torch.softmax(v.transpose(1, 2) @ v, -1) @ v.transpose(1, 2)
        return 1 + x.mean(1, keepdim=True) + 0 * seen.mean()


class Layers(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Sequential(torch.nn.Conv2d(3, 32, 3, 1, 1), torch.nn.BatchNorm2d(32), torch.nn.ReLU())
        self.down = torch.nn.Sequential(torch.nn.Conv2d(32, 64, 3, 2, 1), torch.nn.ReLU(), torch.nn.Conv2d(64, 64, 3, 1, 1),
                                        torch.nn.ReLU())
        self.last = torch.nn.Conv2d(96, 1, 3, 1, 1)

    def forward(self, x):
        wide = self.first(x)
        deep = torch.nn.functional.interpolate(self.down(wide), scale_factor=2.0, mode="bilinear", align_corners=False)
        return 1 + self.last(torch.cat([wide, deep], 1)).abs()


class Blocks(torch.nn.Module):
    def __init__(self, dim=64, heads=4):
        super().__init__()
        self.heads, self.patch = heads, torch.nn.Conv2d(3, dim, 8, 8)
        self.norm = torch.nn.ModuleList(torch.nn.LayerNorm(dim) for _ in range(4))
        self.qkv = torch.nn.ModuleList(torch.nn.Linear(dim, 3 * dim) for _ in range(2))
        self.mlp = torch.nn.ModuleList(torch.nn.Sequential(torch.nn.Linear(dim, 4 * dim), torch.nn.GELU(),
                                                           torch.nn.Linear(4 * dim, dim)) for _ in range(2))

    def forward(self, x):
        maps = self.patch(x)
        n, dim, rows, columns = maps.shape
        tokens = maps.flatten(2).transpose(1, 2)
        for i in range(2):
            q, k, v = self.qkv[i](self.norm[2 * i](tokens)).reshape(n, -1, 3, self.heads, dim // self.heads).permute(
                2, 0, 3, 1, 4)
            seen = (torch.softmax(0.25 * q @ k.transpose(-2, -1), -1) @ v).transpose(1, 2).reshape(n, -1, dim)
            tokens = tokens + seen
            tokens = tokens + self.mlp[i](self.norm[2 * i + 1](tokens))
        maps = tokens.transpose(1, 2).reshape(n, dim, rows, columns).mean(1, keepdim=True)
        return 1 + torch.nn.functional.interpolate(maps, scale_factor=8.0, mode="bilinear", align_corners=False).abs()


class Counts(torch.nn.Module):
    def forward(self, x):
        bright = torch.nonzero(x[:, :1] > 0.5).float()
        return 1 + x.mean(1, keepdim=True) + 0 * bright.sum()


def write_memory(folder):
    torch.manual_seed(1)
    axes = {0: "n", 2: "h", 3: "w"}
    for name, network in (("pairs", Pairs()), ("layers", Layers()), ("blocks", Blocks()), ("counts", Counts())):
        torch.onnx.export(network.eval(), torch.rand(1, 3, 64, 96), f"{folder}/{name}.onnx", opset_version=16,
                          input_names=["image"], output_names=["depth"],
                          dynamic_axes={"image": axes, "depth": axes})


if __name__ == "__main__":
    kind, out = sys.argv[1:]
    if kind == "outside":
        write_outside(out)
    elif kind == "memory":
        write_memory(out)
    elif kind == "depth":
        axes = {0: "n", 2: "h", 3: "w"}
        torch.onnx.export(Network(kind), torch.zeros(1, 3, 28, 42), out, opset_version=16,
                          input_names=["pixel_values"], output_names=["features", "predicted_depth"],
                          dynamic_axes={"pixel_values": axes, "features": axes,
                                        "predicted_depth": {0: "n", 1: "h", 2: "w"}})
    else:
        torch.onnx.export(Network(kind), torch.zeros(1, 3, 320, 320), out, opset_version=16,
                          input_names=["input.1"], output_names=["d0", "d1", "d2"])
