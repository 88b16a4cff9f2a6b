#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports TAPIR or BootsTAPIR, which follow points, to a TorchScript file for mdvt.

  python3 tapir.py --repo tapnet --model bootstapir --checkpoint bootstapir_checkpoint_v2.pt --out bootstapir.pt

--repo is a clone of https://github.com/google-deepmind/tapnet; it needs the Python package einshape. The
file takes windows of up to 60 pictures and any number of points; it is for track_points_in_video --tracker tapir
--weights.
"""

import common  # before torch: it says what to install

import torch
from torch import nn

LICENSE = "Apache-2.0"
MODELS = {"tapir": dict(pyramid_level=0, extra_convs=False), "bootstapir": dict(pyramid_level=1, extra_convs=True)}
TRAINED = (256, 256)
LENGTH = 60
PIXEL_CENTER = 0.5
ALL_QUERIES = 1 << 30  # at once: mdvt cuts them into groups


class LayerNorm(nn.LayerNorm):
    """With the argument `bias`, which torch before 2.1 has not."""

    def __init__(self, normalized_shape, elementwise_affine=True, bias=True, **options):
        super().__init__(normalized_shape, elementwise_affine=elementwise_affine, **options)
        if not bias:
            self.bias = None


class _With:
    """A module with some names replaced."""

    def __init__(self, module, **names):
        self._module, self._names = module, names

    def __getattr__(self, name):
        return self._names[name] if name in self._names else getattr(self._module, name)


def map_coordinates_3d(features, coordinates):
    """Upstream's without squeeze() of several dimensions: features [B, T, H, W, C] at (t, y, x) [B, N, 3]."""
    t, y, x = coordinates.float().unbind(-1)
    sizes = [torch.as_tensor(size) for size in features.shape[1:4]]
    places = [2 * (value / size) - 1 for value, size in zip((t + 0.5, y, x), sizes)]
    grid = torch.stack(places[::-1], dim=-1)[:, :, None, None]
    seen = nn.functional.grid_sample(features.permute(0, 4, 1, 2, 3), grid, mode="bilinear", align_corners=False,
                                     padding_mode="border")
    return seen[..., 0, 0].permute(0, 2, 1)


def build(repo, model, size):
    """The network, and the modules of the clone whose sizes are to be traced."""
    common.add_repo(repo, "tapnet/torch/tapir_model.py", "tapnet/torch/nets.py", "tapnet/torch/utils.py")
    common.shim_missing(tree={"map_structure": None})  # of the tracker that runs frame by frame
    common.bare_packages(repo, "tapnet")  # its __init__ imports JAX
    nets, utils, module = (common.upstream(f"tapnet.torch.{name}") for name in ("nets", "utils", "tapir_model"))
    nets.nn = _With(nn, LayerNorm=LayerNorm)
    utils.map_coordinates_3d = map_coordinates_3d
    # Upstream shuffles the points before it cuts them into groups, of which there is one here.
    traced = common._TracedTorch()
    module.torch = _With(traced, randperm=lambda count: torch.arange(count), concatenate=torch.cat)
    utils.torch = traced
    network = module.TAPIR(initial_resolution=TRAINED, feature_extractor_chunk_size=0, **MODELS[model])
    # In whole numbers, before anything is traced.
    return network, [tuple(map(int, pair)) for pair in utils.generate_default_resolutions(size, TRAINED)]


class Wrapper(nn.Module):
    """Frames [1, T, 3, H, W] in 0..1 and queries [1, N, 3] (frame, x, y) to tracks [1, T, N, 2], and how visible and
    sure they are, [1, T, N]."""

    def __init__(self, network, resolutions):
        super().__init__()
        self.network, self.resolutions = network, resolutions

    def forward(self, frames, queries):
        video = 2 * frames.permute(0, 1, 3, 4, 2) - 1
        t, x, y = queries.unbind(-1)
        found = self.network(video, torch.stack([t, y, x], -1), query_chunk_size=ALL_QUERIES,
                             refinement_resolutions=self.resolutions)
        sure = 1 - torch.sigmoid(found["expected_dist"])
        visible = (1 - torch.sigmoid(found["occlusion"])) * sure
        return tuple(part.transpose(1, 2) for part in (found["tracks"], visible, sure))


def run():
    parser = common.parser(__doc__.split("\n\n")[0])
    common.repo_option(parser, "https://github.com/google-deepmind/tapnet")
    common.weights_options(parser)
    parser.add_argument("--model", choices=sorted(MODELS), default="bootstapir", help="which of the two")
    common.size_option(parser, TRAINED,
                       "the one size of pictures that the file takes; above 256 points are refined at several")
    args = parser.parse_args()
    size = common.checked_size("size", args.size, 8, 256, 1024)
    if args.out.endswith(".onnx"):
        raise common.ExportError("TAPIR cannot be written as .onnx; give --out a name in .pt")
    network, resolutions = build(args.repo, args.model, size)
    common.set_weights(network, args)
    meta = common.track_metadata(args.model, size, 8, LENGTH, PIXEL_CENTER,
                                 {"resolutions": " ".join(f"{h}x{w}" for h, w in resolutions)})
    common.finish(Wrapper(network, resolutions), meta, common.track_examples(size, PIXEL_CENTER, (5, 4), (8, 7)), args,
                  "https://storage.googleapis.com/dm-tapnet", f"tapir.py --model {args.model}", "TAPIR", LICENSE)


if __name__ == "__main__":
    common.main(run)
