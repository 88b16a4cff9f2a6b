#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what a network of NVDS's shape gives in torch itself, and the two files of it that mdvt takes.

  python3 nvds_golden.py FOLDER

frames.f32          pictures in 0..1 and disparity in 0..1, [FRAMES, 4, HEIGHT, WIDTH]
features.f32        what the first half gives for each frame, [FRAMES, 256, HEIGHT / 4, WIDTH / 4]
forward-S.f32       the whole network's disparity for each frame, windows with a step of S frames: [FRAMES, HEIGHT,
                    WIDTH]
backward-S.f32      the same of the reversed clip
backbone.pt, head.pt
"""

import pathlib
import sys

import exporters  # noqa: F401: where the exporters are

import torch

import common
import nvds
import stand_ins

FRAMES, HEIGHT, WIDTH = 10, 64, 96


def window(i, step):
    """Local indices, as the original chooses them."""
    if i < 3:
        return [i] * 4
    s = step if i >= 4 * step else 1
    return [i - 3 * s, i - 2 * s, i - s, i]


def main():
    folder = pathlib.Path(sys.argv[1])
    repo = stand_ins.write(folder / "clone", stand_ins.NVDS_SHAPED)
    torch.manual_seed(11)
    network = nvds.build(repo).eval()
    # As of a network that was trained: the window matters, and some pixels are 0.
    for block in network.Stabilizer.decoder_focal.blocks:
        block.proj.weight.data.mul_(8)
    network.Stabilizer.AO[2].weight.data.mul_(30)
    network.Stabilizer.AO[2].bias.data.fill_(1.4)
    del sys.modules["full_model"]
    torch.save({f"module.{key}": value for key, value in network.state_dict().items()}, folder / "NVDS_Stabilizer.pth")
    stand_ins.run_exporter(nvds, "--repo", repo, "--checkpoint", folder / "NVDS_Stabilizer.pth", "--size", HEIGHT,
                           WIDTH, "--out", folder / "backbone.pt", "--head-out", folder / "head.pt")

    frames = torch.cat([common.example((1, 4, HEIGHT, WIDTH), seed) for seed in range(FRAMES)])
    normalize = common.Normalize()
    seen = torch.cat([normalize(frames[:, :3]), frames[:, 3:]], dim=1)

    def save(name, values):
        (folder / f"{name}.f32").write_bytes(values.contiguous().numpy().tobytes())

    save("frames", frames)
    with torch.no_grad():
        stabilizer = network.Stabilizer
        features = []
        stabilizer.decoder_focal.register_forward_hook(lambda module, given, result: features.append(given[0][:, -1]))
        for step in (1, 2):
            for name, order in (("forward", range(FRAMES)), ("backward", range(FRAMES - 1, -1, -1))):
                order, results = list(order), {}
                for i in range(FRAMES):
                    clip = seen[[order[k] for k in window(i, step)]][None]
                    results[order[i]] = network(clip.clone(), num_clips=4)[0, 0]
                save(f"{name}-{step}", torch.stack([results[i] for i in range(FRAMES)]))
    save("features", torch.cat(features[:FRAMES]))
    everything = torch.stack(list(results.values()))
    if not (everything.std() > 0.1 and (everything > 0).float().mean() > 0.5):
        sys.exit(f"the network says nothing: deviation {everything.std()}, {(everything > 0).float().mean()} positive")


if __name__ == "__main__":
    main()
