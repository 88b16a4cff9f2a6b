#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports CoTracker3 (offline), which follows points, to a TorchScript file for mdvt.

  python3 cotracker.py --repo co-tracker --checkpoint scaled_offline.pth --out cotracker3.pt

--repo is a clone of https://github.com/facebookresearch/co-tracker. The file takes windows of up to 60 pictures and
any number of points; it is for track_points_in_video --tracker cotracker3 --model.
"""

import common  # before torch: it says what to install

import torch

LICENSE = "CC-BY-NC-4.0"
LENGTH = 60  # the length of the table of times
ITERATIONS = 6


def build(repo):
    """The network, and the modules of the clone whose sizes are to be traced."""
    common.add_repo(repo, "cotracker/models/core/cotracker/cotracker3_offline.py", "cotracker/models/core/model_utils.py")
    module = common.upstream("cotracker.models.core.cotracker.cotracker3_offline")
    network = module.CoTrackerThreeOffline(stride=4, corr_radius=3, window_len=LENGTH)
    return network, (module, common.upstream("cotracker.models.core.model_utils"))


class Wrapper(torch.nn.Module):
    """Frames [1, T, 3, H, W] in 0..1 and queries [1, N, 3] (frame, x, y) to tracks [1, T, N, 2], and how visible
    and sure they are, [1, T, N]."""

    def __init__(self, network, iterations):
        super().__init__()
        self.network, self.iterations = network, iterations

    def forward(self, frames, queries):
        return self.network(255 * frames, queries, iters=self.iterations)[:3]


def metadata(size, iterations):
    return {
        "kind": "track", "name": "cotracker3",
        "inputs": [common.picture("frames", "fixed", "1TCHW", resample="bilinear_align_corners", target=list(size),
                                  multiple=4, keep_aspect=False),
                   {"name": "queries", "layout": "1N3"}],
        "outputs": [common.output("tracks", "position", "1TN2", unit="px"),
                    common.output("visible", "probability", "1TN"),
                    common.output("confidence", "probability", "1TN")],
        "pixel_center": 0, "fixed": {"iterations": iterations},
        "window": {"length": LENGTH, "stride": 45, "overlap": 0, "dynamic": True, "min_length": 1},
        "precision": ["fp32"],
    }


def examples(size, *shapes):
    """Of `shapes` frames and points each."""
    height, width = size
    result = []
    for seed, (frames, points) in enumerate(shapes):
        queries = torch.rand((1, points, 3), generator=torch.Generator().manual_seed(seed))
        queries = queries * torch.tensor([frames - 1.0, width - 1.0, height - 1.0])
        queries[..., 0] = queries[..., 0].round()
        result.append((common.example((1, frames, 3, height, width), seed), queries))
    return result


def run():
    parser = common.parser(__doc__.split("\n\n")[0])
    common.repo_option(parser, "https://github.com/facebookresearch/co-tracker")
    common.weights_options(parser)
    parser.add_argument("--size", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"), default=(384, 512),
                        help="the one size of pictures that the file takes")
    parser.add_argument("--iterations", type=int, default=ITERATIONS, help="rounds of refinement")
    args = parser.parse_args()
    size = common.checked_size("size", args.size, 4, 64, 2048)
    if not 1 <= args.iterations <= 100:
        raise common.ExportError(f"--iterations {args.iterations}: must be in [1, 100]")
    network, modules = build(args.repo)
    network.model_resolution = size
    common.set_weights(network, args)
    with common.traced_tensors(*modules):
        common.finish(Wrapper(network, args.iterations), metadata(size, args.iterations),
                      examples(size, (5, 4), (8, 7)), args, "https://huggingface.co/facebook/cotracker3",
                      "cotracker.py", "CoTracker3", LICENSE)


if __name__ == "__main__":
    common.main(run)
