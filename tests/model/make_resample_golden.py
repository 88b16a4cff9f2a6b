#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints what torch and PIL make of a small picture, for resample_test.cpp.

usage: make_resample_golden.py > resample_golden.txt

Needs python3-torch and python3-pil. Each line: name of the kind, width, height, then the samples in rows.
"""

import sys

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

WIDTH, HEIGHT = 13, 11
SIZES = ((7, 5), (19, 6), (5, 16))


def picture():
    """Whole numbers without a pattern, so that the test can make the same ones."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return ((x * 37 + y * 101 + x * y * 13 + x * x * y * 7) % 256 / 255).astype(np.float32)


def by_torch(width, height, **options):
    tensor = torch.from_numpy(picture())[None, None]
    return F.interpolate(tensor, (height, width), **options)[0, 0].numpy()


def by_pil(width, height, kind):
    return np.asarray(Image.fromarray(picture(), "F").resize((width, height), kind))


KINDS = {
    "bilinear": lambda w, h: by_torch(w, h, mode="bilinear", align_corners=False),
    "bilinear_align_corners": lambda w, h: by_torch(w, h, mode="bilinear", align_corners=True),
    "bilinear_antialias": lambda w, h: by_torch(w, h, mode="bilinear", antialias=True),
    "bicubic": lambda w, h: by_torch(w, h, mode="bicubic", align_corners=False),
    "lanczos3_antialias": lambda w, h: by_pil(w, h, Image.LANCZOS),
    "nearest": lambda w, h: by_torch(w, h, mode="nearest"),
}


def main():
    print("# SPDX-License-Identifier: Apache-2.0")
    print(f"# made by make_resample_golden.py with torch {torch.__version__.split('+')[0]}")
    for name, resize in KINDS.items():
        for width, height in SIZES:
            samples = resize(width, height)
            assert samples.shape == (height, width)
            print(name, width, height, *(f"{sample:.7g}" for sample in samples.ravel()))


if __name__ == "__main__":
    sys.exit(main())
