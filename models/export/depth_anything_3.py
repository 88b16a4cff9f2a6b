#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports Depth-Anything-3's networks of single pictures to a TorchScript file for mdvt.

  python3 depth_anything_3.py --repo Depth-Anything-3 --model metric --checkpoint model.safetensors --out da3metric.pt
  python3 depth_anything_3.py --repo Depth-Anything-3 --model mono --checkpoint model.safetensors --out da3mono.pt

--repo is a clone of https://github.com/ByteDance-Seed/Depth-Anything-3, whose checkpoints DA3METRIC-LARGE and
DA3MONO-LARGE these are; it needs the Python packages einops and safetensors. Metric depth needs the focal length:
video_metric_convert and unidepth_video take it from --xfov.
"""

import types

import common  # before torch: it says what to install

import torch

LICENSE = "Apache-2.0"
PATCH = 14
FOCAL_REF = 300  # metres = output * focal length in pixels / this
SKY = 0.3  # scores from here on are sky
FARTHEST = 0.99  # the share of what is not sky that is nearer than what sky is set to
# Layers that are tapped, width, width of the head, its levels.
ENCODERS = {"vits": ((2, 5, 8, 11), 384, 64, (48, 96, 192, 384)),
            "vitb": ((2, 5, 8, 11), 768, 128, (96, 192, 384, 768)),
            "vitl": ((4, 11, 17, 23), 1024, 256, (256, 512, 1024, 1024))}


class Network(torch.nn.Module):
    """The parts of upstream's DepthAnything3Net that one picture needs, under its names."""

    def __init__(self, repo, encoder):
        super().__init__()
        common.add_repo(repo, "depth_anything_3/model/dpt.py", "depth_anything_3/model/dinov2/dinov2.py", inside="src")
        common.shim("xformers")  # LibTorch cannot load its kernels
        common.bare_packages(f"{repo}/src", "depth_anything_3", "depth_anything_3.model")
        common.shim_missing(addict={"Dict": dict})
        taps, width, features, levels = ENCODERS[encoder]
        self.backbone = common.upstream("depth_anything_3.model.dinov2.dinov2").DinoV2(
            name=encoder, out_layers=list(taps), alt_start=-1, qknorm_start=-1, rope_start=-1, cat_token=False)
        dpt = common.upstream("depth_anything_3.model.dpt")
        self.modules_with_sizes = (dpt, common.upstream("depth_anything_3.model.utils.head_utils"))
        self.head = dpt.DPT(dim_in=width, output_dim=1, features=features, out_channels=levels)
        vit = self.backbone.pretrained
        patches = types.SimpleNamespace()
        common.patch_dinov2(patches, PATCH, getattr(vit, "interpolate_offset", 0.1))
        one_view = patches.prepare_tokens_with_masks.__func__

        def tokens(self, views, masks=None, cls_token=None, **_):
            return one_view(self, views[:, 0]).unsqueeze(1)

        vit.prepare_tokens_with_masks = types.MethodType(tokens, vit)

    def forward(self, image):
        features, _ = self.backbone(image.unsqueeze(1))
        height, width = image.shape[2], image.shape[3]
        maps = self.head(features, height, width, patch_start_idx=0)
        return [maps[key].reshape(-1, 1, height, width) for key in ("depth", "sky")]


class Wrapper(torch.nn.Module):
    """RGB in 0..1 to z [B, 1, H, W]; sky gets a depth that hardly anything else exceeds."""

    def __init__(self, network):
        super().__init__()
        self.normalize, self.network = common.Normalize(), network

    def forward(self, image):
        depth, sky = self.network(self.normalize(image))
        is_sky = sky >= SKY
        # Sky sorts behind everything; upstream takes the quantile of a random sample.
        rest = torch.where(is_sky, torch.full_like(depth, float("inf")), depth).flatten(1).sort(1)[0]
        count = (~is_sky).flatten(1).sum(1, keepdim=True)
        at = (FARTHEST * (count - 1).clamp(min=0)).long()
        far = rest.gather(1, at)[:, :, None, None]
        enough = (count > 10)[:, :, None, None]
        return torch.where(is_sky & enough, far, depth)


def metadata(model, encoder, input_size):
    output = common.output("depth", "depth", scale="scale_only", resample="bilinear", non_negative=True)
    if model == "metric":
        output.update(scale="metric_times_focal", focal_ref=FOCAL_REF, unit="m")
    return {
        "kind": "depth", "name": f"depth-anything-3-{model}-{encoder}",
        "inputs": [common.picture("image", "fit", resample="area_or_cubic", target=[input_size, input_size],
                                  multiple=PATCH, round="nearest_even", min=[PATCH, PATCH], max=[2002, 2002])],
        "outputs": [output], "batch": {"dynamic": True, "max": 8}, "precision": ["fp32", "fp16_cuda"],
    }


def run():
    parser = common.parser(__doc__.split("\n\n")[0])
    common.repo_option(parser, "https://github.com/ByteDance-Seed/Depth-Anything-3")
    common.weights_options(parser)
    parser.add_argument("--model", choices=("metric", "mono"), default="metric",
                        help="DA3METRIC-LARGE, or DA3MONO-LARGE, whose scale is unknown")
    parser.add_argument("--encoder", choices=sorted(ENCODERS), default="vitl", help="the published ones are vitl")
    parser.add_argument("--input-size", type=int, default=504, help="sides that pictures are scaled to, as the longer one")
    args = parser.parse_args()
    common.checked_size("input-size", [args.input_size], PATCH, PATCH, 2002)
    with common.attention_without_sdpa():
        network = common.set_weights(Network(args.repo, args.encoder), args, prefix="model.")
        shapes = [(1, 84, 126), (2, 112, 70)]
        examples = [(common.example((batch, 3, height, width), batch),) for batch, height, width in shapes]
        with common.traced_sizes(*network.modules_with_sizes):
            common.finish(Wrapper(network), metadata(args.model, args.encoder, args.input_size), examples, args,
                          f"https://huggingface.co/depth-anything/DA3{args.model.upper()}-LARGE",
                          f"depth_anything_3.py --model {args.model}", "Depth-Anything-3", LICENSE)


if __name__ == "__main__":
    common.main(run)
