#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports MiDaS (v2.1 and the DPT family) to a TorchScript file for mdvt.

  python3 midas.py --repo MiDaS --backbone-repo gen-efficientnet-pytorch \\
          --model midas_v21_small_256 --checkpoint midas_v21_small_256.pt --out midas-small.pt
  python3 midas.py --repo MiDaS --model dpt_large_384 --checkpoint dpt_large_384.pt \\
          --size 384 672 --out dpt-large.pt

--repo is a clone of https://github.com/isl-org/MiDaS. The backbones of v2.1 come from torch.hub there; here
from a clone of https://github.com/rwightman/gen-efficientnet-pytorch (small) and from torchvision (384).
The DPT family needs torchvision and timm 0.6.13 (0.6.12, which the clone asks for, fails in Python 3.11). Its
sizes are frozen by the trace: choose the one that your videos need by --size, the picture is scaled into it.
"""

import types

import common  # before torch: it says what to install

import torch

LICENSE = "MIT"

# Name: target side, how the picture comes near it, backbone.
MODELS = {
    "midas_v21_small_256": (256, "fit", "efficientnet_lite3"),
    "midas_v21_384": (384, "fit", "resnext101_wsl"),
    "dpt_large_384": (384, "minimal", "vitl16_384"),
    "dpt_hybrid_384": (384, "minimal", "vitb_rn50_384"),
    "dpt_beit_large_512": (512, "minimal", "beitl16_512"),
    "dpt_beit_large_384": (384, "minimal", "beitl16_384"),
    "dpt_beit_base_384": (384, "minimal", "beitb16_384"),
    "dpt_swin2_large_384": (384, "square", "swin2l24_384"),
    "dpt_swin2_base_384": (384, "square", "swin2b24_384"),
    "dpt_swin2_tiny_256": (256, "square", "swin2t16_256"),
    "dpt_swin_large_384": (384, "square", "swinl12_384"),
}
MULTIPLE = 32


def backbone_from(repo):
    """What torch.hub.load is to give: the networks without their weights, from local code."""

    def load(name, model, *_, **options):
        if name == "rwightman/gen-efficientnet-pytorch":
            if repo is None:
                raise common.ExportError("--backbone-repo is missing: clone "
                                         "https://github.com/rwightman/gen-efficientnet-pytorch")
            common.add_repo(repo, "geffnet/__init__.py")
            import geffnet

            return getattr(geffnet, model)(pretrained=False, exportable=options.get("exportable", True))
        if name == "facebookresearch/WSL-Images":
            try:
                from torchvision.models.resnet import Bottleneck, ResNet
            except ImportError as error:
                raise common.ExportError("this network needs python3-torchvision") from error
            return ResNet(Bottleneck, [3, 4, 23, 3], groups=32, width_per_group=8)
        raise common.ExportError(f"no backbone {name} {model} without a download")

    return load


class Unflatten(torch.nn.Unflatten):
    """Takes sides that are being traced, as numbers: those of the DPT family are frozen."""

    def __init__(self, dim, sides):
        super().__init__(dim, tuple(map(int, sides)))


def build(repo, backbone_repo, name):
    common.add_repo(repo, "midas/blocks.py")
    small, v21 = name == "midas_v21_small_256", name.startswith("midas_v21")
    try:
        import timm  # noqa: F401
    except (ImportError, ValueError) as error:  # the latter in versions that are too old for Python
        if not v21:
            raise common.ExportError(f"--model {name} needs the Python package timm 0.6.13: "
                                     f"{common.one_line(error)}") from error
        # Imported by modules that v2.1 does not use.
        common.shim("timm")
        common.shim("timm.models.beit", gen_relative_position_index=None)
        common.shim("timm.models.layers", get_act_layer=None)
        common.shim("timm.models.levit")
    hub_load = torch.hub.load
    torch.hub.load = backbone_from(backbone_repo)
    try:
        if small:
            from midas.midas_net_custom import MidasNet_small

            # A path would be loaded at once and not strictly checked; None would download a backbone.
            return MidasNet_small(None, features=64, backbone="efficientnet_lite3", exportable=True,
                                  non_negative=True, blocks={"expand": True})
        if v21:
            from midas.midas_net import MidasNet

            return MidasNet(None, non_negative=True)
        from midas.backbones import utils
        from midas.dpt_depth import DPTDepthModel

        utils.nn = types.SimpleNamespace(**{**vars(torch.nn), "Unflatten": Unflatten})
        return DPTDepthModel(path=None, backbone=MODELS[name][2], non_negative=True)
    except ImportError as error:
        raise common.ExportError(f"--repo {repo}: {common.one_line(error)}") from error
    finally:
        torch.hub.load = hub_load


class Wrapper(torch.nn.Module):
    """RGB in 0..1 to disparity [B, 1, H, W]."""

    def __init__(self, network, v21):
        super().__init__()
        self.normalize = common.Normalize() if v21 else common.Normalize((0.5,) * 3, (0.5,) * 3)
        self.network = network

    def forward(self, image):
        return self.network(self.normalize(image)).unsqueeze(1)


def metadata(name, source, fixed_size):
    side, rule, _ = MODELS[name]
    size = {"rule": "fit" if rule == "fit" else "minimal", "target": [side, side],
            "multiple": MULTIPLE, "round": "nearest_even", "keep_aspect": rule != "square",
            "dynamic": True, "min": [MULTIPLE, MULTIPLE], "max": [2048, 2048]}
    if fixed_size:
        # Upstream scales the sides apart by less than a multiple; so does this for that one size.
        size.update(rule="fixed", target=list(fixed_size), dynamic=False, keep_aspect=False)
    return {
        "kind": "depth", "name": name.replace("_", "-"), "source": source,
        "inputs": [{"name": "image", "layout": "NCHW", "range": [0, 1], "color": "rgb",
                    "normalize": "in_module", "size": size, "resample": "cubic_opencv"}],
        "outputs": [{"name": "depth", "layout": "NCHW", "quantity": "disparity", "scale": "affine",
                     "unit": None, "resample": "bicubic", "non_negative": True}],
        # DPT's trace freezes the batch too.
        "batch": {"dynamic": not fixed_size, "max": 1 if fixed_size else 8},
        "precision": ["fp32", "fp16_cuda"],
        "channels_last": name.startswith("midas_v21"),
    }


def run():
    parser = common.parser(__doc__.split("\n\n")[0])
    parser.add_argument("--repo", required=True, help="folder of the clone of MiDaS")
    parser.add_argument("--backbone-repo", help="folder of the clone of gen-efficientnet-pytorch")
    common.weights_options(parser)
    parser.add_argument("--model", choices=sorted(MODELS), default="midas_v21_small_256",
                        help="the network, by its name upstream")
    common.size_option(parser, None, "DPT only: the one size that the file takes (default: the square)")
    args = parser.parse_args()

    v21 = args.model.startswith("midas_v21")
    side, rule, _ = MODELS[args.model]
    size = None
    if not v21:
        size = tuple(args.size or (side, side))
        if any(s % MULTIPLE or not MULTIPLE <= s <= 2048 for s in size):
            raise common.ExportError(f"--size {size[0]} {size[1]}: must be multiples of {MULTIPLE} in "
                                     f"[{MULTIPLE}, 2048]")
        if rule == "square" and size != (side, side):
            raise common.ExportError(f"--size {size[0]} {size[1]}: {args.model} takes {side} {side} only")
    elif args.size:
        raise common.ExportError(f"--size is for the DPT family, {args.model} takes every size")

    network = build(args.repo, args.backbone_repo, args.model)
    if args.checkpoint:
        common.load_strictly(network, args.checkpoint, trusted=args.trust_checkpoint)
    else:
        common.fill_random(network, args.random_weights)
        # Most of the map above zero, so that the last ReLU does not hide the rest.
        torch.nn.init.constant_(network.scratch.output_conv[4].bias, 3.0)
    shapes = ([(1, 128, 224), (2, 96, 64), (1, 256, 256)] if v21 else [(1, *size), (1, *size)])
    examples = [(common.example((batch, 3, height, width), seed),)
                for seed, (batch, height, width) in enumerate(shapes)]
    source = common.source("MiDaS", LICENSE, args.repo, args.checkpoint, args.random_weights)
    print(common.export(Wrapper(network, v21), metadata(args.model, source, size), examples, args.out,
                        manifest=not args.no_manifest, origin="https://github.com/isl-org/MiDaS",
                        exporter=f"models/export/midas.py --model {args.model}"), end="")


if __name__ == "__main__":
    common.main(run)
