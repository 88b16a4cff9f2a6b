#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports UniDepth V2, metric depth of single pictures, to a TorchScript file for mdvt.

  python3 unidepth.py --repo UniDepth --encoder vits --checkpoint pytorch_model.bin --size 406 728 --out unidepth-vits.pt
  python3 unidepth.py --repo UniDepth --encoder vits --checkpoint pytorch_model.bin --rays --out unidepth-vits-rays.pt

--repo is a clone of https://github.com/lpiccinelli-eth/UniDepth; it needs the Python package einops. The
trace freezes one size: choose the one that your videos need (406 728 for 16:9, 462 616 for 4:3, 546 546, 728 406).
With --rays the file is told the camera, else the network guesses it. For unidepth_video --model.
"""

import json

import common  # before torch: it says what to install

import torch

LICENSE = "CC-BY-NC-4.0"
PATCH = 14


class HubMixin:
    """Takes what huggingface_hub's mixin takes in class statements."""

    def __init_subclass__(cls, **_):
        pass


def read_config(path):
    """Of the network, without the weights that it would download."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise common.ExportError(f"{path}: {common.one_line(error)}") from error
    values["model"]["pixel_encoder"]["pretrained"] = None
    return values


def build(repo, encoder):
    root = common.add_repo(repo, "unidepth/models/unidepthv2/unidepthv2.py")
    values = read_config(root / "configs" / f"config_v2_{encoder}14.json")
    common.shim("xformers")  # LibTorch cannot load its kernels
    common.shim_missing(huggingface_hub={"PyTorchModelHubMixin": HubMixin}, torchvision__transforms__v2__functional={},
                        wandb={}, matplotlib={}, scipy={"interpolate": None}, PIL={"Image": None})
    common.shim_missing(timm__models__layers={"trunc_normal_": torch.nn.init.trunc_normal_, "DropPath": None},
                        matplotlib__pyplot={}, cv2={})
    common.bare_packages(root, "unidepth", "unidepth.models", "unidepth.models.unidepthv2", "unidepth.models.backbones")
    with common.unscripted():
        # The other backbones need packages that this one does not.
        make = common.upstream("unidepth.models.backbones.dinov2")._make_dinov2_model
        common.shim("unidepth.models.backbones", ConvNeXt=None, ConvNeXtV2=None, _make_dinov2_model=make)
        network_class = common.upstream("unidepth.models.unidepthv2.unidepthv2").UniDepthV2
    network_class.build_losses = lambda self, config: None
    values["training"]["export"] = True  # plain attention
    return network_class(values)


class Wrapper(torch.nn.Module):
    """RGB in 0..1, perhaps with each pixel's ray, to z in metres [B, 1, H, W] and the camera [B, 3, 3]."""

    def __init__(self, network):
        super().__init__()
        self.normalize, self.network = common.Normalize(), network

    def forward(self, image, rays=None):
        inputs = {"image": self.normalize(image)}
        features, tokens = self.network.pixel_encoder(inputs["image"])
        for name, parts in (("features", features), ("tokens", tokens)):
            inputs[name] = [self.network.stacking_fn(parts[i:j]).contiguous()
                            for i, j in self.network.slices_encoder_range]
        if rays is not None:
            inputs["rays"] = rays
        outputs = self.network.pixel_decoder(inputs, [])
        # [B, H W, 3]; the third is z over the distance.
        z = outputs["rays"][..., 2].reshape(image.shape[0], 1, *image.shape[2:])
        return z * outputs["radius"], outputs["intrinsics"]


def metadata(encoder, size, rays):
    rule = dict(target=list(size), multiple=PATCH)
    inputs = [common.picture("image", "fixed", resample="bilinear", **rule)]
    if rays:
        inputs.append(common.picture("rays", "fixed", resample="bilinear", **rule))
    return {
        "kind": "depth", "name": f"unidepth-v2-{encoder}" + ("-rays" if rays else ""), "inputs": inputs,
        "outputs": [common.output("depth", "depth", scale="metric", unit="m", resample="bilinear", non_negative=True),
                    common.output("intrinsics", "intrinsics", "N33")],
        "batch": {"dynamic": True, "max": 8}, "precision": ["fp32"],
    }


def export(doc, build, wrapper, metadata, upstream, weights, size, pixels, license):
    """The command line of unidepth.py or unik3d.py: with its text, functions and values."""
    parser = common.parser(doc.split("\n\n")[0])
    common.repo_option(parser, f"https://github.com/lpiccinelli-eth/{upstream}")
    common.weights_options(parser)
    parser.add_argument("--encoder", choices=("vits", "vitb", "vitl"), default="vitl", help="the size")
    common.size_option(parser, size, f"the one size that the file takes; near {pixels} pixels is best")
    parser.add_argument("--rays", action="store_true", help="the file is told the camera, by a ray for each pixel")
    args = parser.parse_args()
    size = common.checked_size("size", args.size, PATCH, PATCH * 4, 2002)
    with common.attention_without_sdpa(), common.written_out(args.out.endswith(".onnx")):
        network = common.set_weights(build(args.repo, args.encoder), args)
        exporter = f"{upstream.lower()}.py --encoder {args.encoder}" + (" --rays" if args.rays else "")
        common.finish(wrapper(network), metadata(args.encoder, size, args.rays),
                      common.camera_examples(size, args.rays), args,
                      f"https://huggingface.co/lpiccinelli/{weights.format(args.encoder)}", exporter, upstream, license)


def run():
    export(__doc__, build, Wrapper, metadata, "UniDepth", "unidepth-v2-{}14", (406, 728), 300000, LICENSE)


if __name__ == "__main__":
    common.main(run)
