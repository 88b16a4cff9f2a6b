#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports Depth-Anything-V2, relative or metric, to a TorchScript file for mdvt.

  python3 depth_anything_v2.py --checkpoint depth_anything_v2_vits.pth --encoder vits --out da2-vits.pt
  python3 depth_anything_v2.py --checkpoint depth_anything_v2_metric_hypersim_vits.pth --encoder vits \\
          --metric hypersim --out da2-metric-vits.pt

Without --repo the network is that of vit_depth.py, which takes the same checkpoints; with it, that of the
clone of https://github.com/DepthAnything/Depth-Anything-V2.
"""

import types

import common  # before torch: it says what to install
import vit_depth

import torch

# The published licences: the small network may be used commercially, the others may not.
LICENSES = {"vits": "Apache-2.0", "vitb": "CC-BY-NC-4.0", "vitl": "CC-BY-NC-4.0",
            "vitg": "CC-BY-NC-4.0"}
MAX_DEPTHS = {"hypersim": 20.0, "vkitti": 80.0}
PATCH = vit_depth.PATCH


def upstream_network(repo, encoder, max_depth):
    """The network of the clone, with its size-dependent parts made traceable."""
    root = common.add_repo(repo, "depth_anything_v2/dpt.py", "metric_depth/depth_anything_v2/dpt.py")
    if max_depth is not None:
        common.add_repo(root / "metric_depth", "depth_anything_v2/dpt.py")
    # Of loading pictures; and xformers, whose kernels LibTorch cannot load, must be absent.
    common.shim("xformers")
    common.shim_missing(cv2={"INTER_CUBIC": 2, "INTER_AREA": 3}, torchvision__transforms={"Compose": object})
    try:
        from depth_anything_v2 import dpt
    except ImportError as error:
        raise common.ExportError(f"--repo {repo}: {common.one_line(error)}; install that package or "
                                 "leave --repo out") from error
    values = vit_depth.KINDS[encoder]
    options = dict(encoder=encoder, features=values["head"], out_channels=list(values["levels"]))
    if max_depth is not None:
        options["max_depth"] = max_depth
    network = dpt.DepthAnythingV2(**options)

    common.patch_dinov2(network.pretrained)
    taps = network.intermediate_layer_idx[encoder]
    relative = max_depth is None

    # The two halves of upstream's forward(), so that a wrapper can stand between them.
    def features(self, image):
        return self.pretrained.get_intermediate_layers(image, taps, return_class_token=True)

    def decode(self, tapped, rows, columns):
        depth = self.depth_head(tapped, rows, columns)
        return (torch.relu(depth) if relative else depth * max_depth).squeeze(1)

    network.features = types.MethodType(features, network)
    network.decode = types.MethodType(decode, network)
    return network, dpt


class Wrapper(torch.nn.Module):
    """RGB in 0..1 to [B, 1, H, W]."""

    def __init__(self, network, bf16_encoder=False):
        super().__init__()
        self.normalize = common.Normalize()
        self.network = network
        self.bf16_encoder = bf16_encoder

    def forward(self, image):
        rows, columns = image.shape[2] // PATCH, image.shape[3] // PATCH
        x = self.normalize(image)
        features = common.encode(self.network.features, x, self.bf16_encoder)
        return self.network.decode(features, rows, columns).unsqueeze(1)


def metadata(encoder, max_depth, source, bf16_encoder=False, input_size=518):
    name = "depth-anything-v2-" + ("metric-" if max_depth else "") + encoder
    output = {"name": "depth", "layout": "NCHW", "quantity": "disparity", "scale": "affine",
              "unit": None, "resample": "bilinear_align_corners", "non_negative": True}
    if max_depth:
        output.update(quantity="depth", scale="metric", unit="m", max_depth=max_depth)
    return {
        "kind": "depth",
        "name": name,
        "source": source,
        "inputs": [{
            "name": "image", "layout": "NCHW", "range": [0, 1], "color": "rgb",
            "normalize": "in_module",
            "size": {"rule": "cover", "target": [input_size, input_size], "multiple": PATCH,
                     "round": "nearest_even", "keep_aspect": True, "dynamic": True,
                     "min": [PATCH, PATCH], "max": [2002, 2002]},
            "resample": "cubic_opencv",
        }],
        "outputs": [output],
        "batch": {"dynamic": True, "max": 8},
        "precision": ["bf16_cpu_encoder"] if bf16_encoder else ["fp32", "fp16_cuda"],
    }


def examples(small=False):
    """Proportions, batches, the native grid (where upstream takes another branch) and the smallest."""
    shapes = [(1, 252, 308), (2, 126, 224), (1, 14, 14), (1, 196, 112)]
    if not small:
        shapes += [(1, 518, 518), (1, 518, 924)]
    return [(common.example((batch, 3, height, width), seed),)
            for seed, (batch, height, width) in enumerate(shapes)]


def run():
    parser = common.parser(__doc__.split("\n\n")[0])
    parser.add_argument("--repo", help="folder of the clone of Depth-Anything-V2; not needed")
    common.weights_options(parser)
    parser.add_argument("--encoder", choices=sorted(vit_depth.KINDS), default="vits", help="the size")
    metric = parser.add_mutually_exclusive_group()
    metric.add_argument("--metric", choices=sorted(MAX_DEPTHS),
                        help="the checkpoint is a metric one: indoor (20 m) or outdoor (80 m)")
    metric.add_argument("--max-depth", type=float, help="of a metric checkpoint of your own, metres")
    parser.add_argument("--input-size", type=int, default=518,
                        help="sides that pictures are scaled to, as the shorter one")
    parser.add_argument("--bf16-encoder", action="store_true",
                        help="the encoder in bfloat16, for CPUs with AVX512_BF16 or AMX")
    parser.add_argument("--small-examples", action="store_true",
                        help="verify at small sizes only: quicker, for tests")
    args = parser.parse_args()

    max_depth = MAX_DEPTHS[args.metric] if args.metric else args.max_depth
    if max_depth is not None and not 0.001 <= max_depth <= 1e6:
        raise common.ExportError(f"--max-depth {max_depth}: must be in [0.001, 1000000] metres")
    if args.input_size % PATCH or not PATCH <= args.input_size <= 2002:
        raise common.ExportError(f"--input-size {args.input_size}: must be a multiple of {PATCH} in "
                                 f"[{PATCH}, 2002]")
    patched = []
    if args.repo:
        network, patched_module = upstream_network(args.repo, args.encoder, max_depth)
        patched = [patched_module]
    else:
        network = vit_depth.VitDepth(args.encoder, max_depth)
    if args.checkpoint:
        common.load_strictly(network, args.checkpoint, trusted=args.trust_checkpoint)
    else:
        common.fill_random(network, args.random_weights)
        # Most of the map above zero, so that the last ReLU does not hide the rest.
        torch.nn.init.constant_(network.depth_head.scratch.output_conv2[2].bias, 1.0)
    source = common.source("Depth-Anything-V2", LICENSES[args.encoder], args.repo, args.checkpoint,
                           args.random_weights)
    meta = metadata(args.encoder, max_depth, source, args.bf16_encoder, args.input_size)
    with common.traced_sizes(*patched):
        print(common.export(Wrapper(network, args.bf16_encoder), meta, examples(args.small_examples),
                            args.out, check_shape=[1, 3, 252, 308], manifest=not args.no_manifest,
                            origin="https://huggingface.co/depth-anything",
                            exporter=f"models/export/depth_anything_v2.py --encoder {args.encoder}"),
              end="")


if __name__ == "__main__":
    common.main(run)
