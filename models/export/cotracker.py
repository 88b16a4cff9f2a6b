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
PIXEL_CENTER = 0


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


def run():
    parser = common.parser(__doc__.split("\n\n")[0])
    common.repo_option(parser, "https://github.com/facebookresearch/co-tracker")
    common.weights_options(parser)
    common.size_option(parser, (384, 512), "the one size of pictures that the file takes")
    parser.add_argument("--iterations", type=int, default=ITERATIONS, help="rounds of refinement")
    args = parser.parse_args()
    size = common.checked_size("size", args.size, 4, 64, 2048)
    if not 1 <= args.iterations <= 100:
        raise common.ExportError(f"--iterations {args.iterations}: must be in [1, 100]")
    network, modules = build(args.repo)
    network.model_resolution = size
    common.set_weights(network, args)
    meta = common.track_metadata("cotracker3", size, 4, LENGTH, PIXEL_CENTER, {"iterations": args.iterations},
                                 resample="bilinear_align_corners")
    with common.traced_tensors(*modules):
        common.finish(Wrapper(network, args.iterations), meta,
                      common.track_examples(size, PIXEL_CENTER, (5, 4), (8, 7)), args,
                      "https://huggingface.co/facebook/cotracker3", "cotracker.py", "CoTracker3", LICENSE)


if __name__ == "__main__":
    common.main(run)
