#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes .onnx files as others publish them: normalized input, no metadata, outputs that nobody asks for.

  python3 foreign_onnx.py depth OUT    4 Y + 0.5 of the picture as "predicted_depth" [N, H, W], after another output
  python3 foreign_onnx.py mask OUT     1 where Y > 0.5 as the first of three outputs without telling names
"""

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


if __name__ == "__main__":
    kind, out = sys.argv[1:]
    if kind == "depth":
        axes = {0: "n", 2: "h", 3: "w"}
        torch.onnx.export(Network(kind), torch.zeros(1, 3, 28, 42), out, opset_version=16,
                          input_names=["pixel_values"], output_names=["features", "predicted_depth"],
                          dynamic_axes={"pixel_values": axes, "features": axes,
                                        "predicted_depth": {0: "n", 1: "h", 2: "w"}})
    else:
        torch.onnx.export(Network(kind), torch.zeros(1, 3, 320, 320), out, opset_version=16,
                          input_names=["input.1"], output_names=["d0", "d1", "d2"])
