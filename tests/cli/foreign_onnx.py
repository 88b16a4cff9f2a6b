#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes .onnx files as others publish them: normalized input, no metadata, outputs that nobody asks for.

  python3 foreign_onnx.py depth OUT    4 Y + 0.5 of the picture as "predicted_depth" [N, H, W], after another output
  python3 foreign_onnx.py outside OUT  the same depth of pictures in 0..1 as "depth" [N, 1, H, W], weights in OUT.data
  python3 foreign_onnx.py mask OUT     1 where Y > 0.5 as the first of three outputs without telling names
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


if __name__ == "__main__":
    kind, out = sys.argv[1:]
    if kind == "outside":
        write_outside(out)
    elif kind == "depth":
        axes = {0: "n", 2: "h", 3: "w"}
        torch.onnx.export(Network(kind), torch.zeros(1, 3, 28, 42), out, opset_version=16,
                          input_names=["pixel_values"], output_names=["features", "predicted_depth"],
                          dynamic_axes={"pixel_values": axes, "features": axes,
                                        "predicted_depth": {0: "n", 1: "h", 2: "w"}})
    else:
        torch.onnx.export(Network(kind), torch.zeros(1, 3, 320, 320), out, opset_version=16,
                          input_names=["input.1"], output_names=["d0", "d1", "d2"])
