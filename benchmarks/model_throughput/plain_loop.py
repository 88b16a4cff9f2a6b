#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Depth of a video by a relative model, as one would write it in an afternoon: frames from ffmpeg's pipe,
torch for the network and both resizes, numpy for the code, FFV1 by ffmpeg's pipe. The comparison of
model_throughput.py.

  python3 plain_loop.py MODEL CLIP OUTPUT WIDTH HEIGHT NETWORK_WIDTH NETWORK_HEIGHT THREADS FRAMES
"""

import subprocess
import sys

import numpy as np
import torch
import torch.nn.functional as F

MAX_DEPTH = 100.0
MEDIAN_DEPTH = 3.0


def main():
    model_path, clip, output = sys.argv[1:4]
    width, height, net_width, net_height, threads, frames = map(int, sys.argv[4:10])
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    model = torch.jit.load(model_path)
    reader = subprocess.Popen(
        ["ffmpeg", "-v", "error", "-threads", str(threads), "-i", clip, "-frames:v", str(frames),
         "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], stdout=subprocess.PIPE)
    writer = subprocess.Popen(
        ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24",
         "-s", f"{width}x{height}", "-r", "24", "-i", "-", "-threads", str(threads), "-c:v", "ffv1",
         "-pix_fmt", "bgr0", output], stdin=subprocess.PIPE)
    scale = None
    while True:
        data = reader.stdout.read(width * height * 3)
        if len(data) < width * height * 3:
            break
        picture = np.frombuffer(data, np.uint8).reshape(height, width, 3)
        image = torch.from_numpy(picture.astype(np.float32) / 255).permute(2, 0, 1).unsqueeze(0)
        image = F.interpolate(image, (net_height, net_width), mode="bicubic", align_corners=False)
        disparity = model(image)
        disparity = F.interpolate(disparity, (height, width), mode="bilinear", align_corners=True)
        disparity = disparity[0, 0].numpy()
        if scale is None:
            scale = 1 / (MEDIAN_DEPTH * np.median(disparity[disparity > 0]))
        with np.errstate(divide="ignore"):
            depth = 1 / np.maximum(scale * disparity, 0)
        value = (255**4 / MAX_DEPTH * np.clip(depth, 0, MAX_DEPTH).astype(np.float64)).astype(np.uint32)
        high = (value >> 24).astype(np.uint8)
        low = (value >> 16 & 255).astype(np.uint8)
        writer.stdin.write(np.dstack([high, high, low]).tobytes())
    writer.stdin.close()
    sys.exit(writer.wait() or reader.wait())


if __name__ == "__main__":
    main()
