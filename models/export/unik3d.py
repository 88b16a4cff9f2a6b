#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports UniK3D, metric depth of single pictures with any camera, to a TorchScript file for mdvt.

  python3 unik3d.py --repo UniK3D --encoder vitl --checkpoint pytorch_model.bin --size 588 1036 --out unik3d-vitl.pt
  python3 unik3d.py --repo UniK3D --encoder vitl --checkpoint pytorch_model.bin --rays --out unik3d-vitl-rays.pt

--repo is a clone of https://github.com/lpiccinelli-eth/UniK3D; it needs the Python package einops. The trace freezes one
size: choose the one that your videos need (588 1036 for 16:9, 672 896 for 4:3, 770 770, 1036 588). With --rays the file is
told the camera, else the network finds it. For unik3d_video --model.
"""

import common  # before torch: it says what to install

import torch

import unidepth

LICENSE = "CC-BY-NC-4.0"  # as its README says; the LICENSE file is CC-BY-NC-SA-4.0
PATCH = 14


def build(repo, encoder):
    root = common.add_repo(repo, "unik3d/models/unik3d.py")
    values = unidepth.read_config(root / "configs" / "eval" / f"{encoder}.json")
    common.shim("xformers")  # LibTorch cannot load its kernels
    common.shim_missing(huggingface_hub={"PyTorchModelHubMixin": unidepth.HubMixin},
                        torchvision__transforms__v2__functional={}, scipy={"interpolate": None}, cv2={})
    common.shim_missing(timm__layers={"trunc_normal_": torch.nn.init.trunc_normal_},
                        timm__models__vision_transformer={"_cfg": None})
    common.bare_packages(root, "unik3d", "unik3d.models", "unik3d.models.backbones", "unik3d.utils")
    with common.unscripted():
        # The other backbones need packages that this one does not.
        make = common.upstream("unik3d.models.backbones.dinov2")._make_dinov2_model
        common.shim("unik3d.models.backbones", ConvNeXt=None, ConvNeXtV2=None, SwinTransformerV2=None,
                    _make_dinov2_model=make)
        network_class = common.upstream("unik3d.models.unik3d").UniK3D
    network_class.build_losses = lambda self, config: None
    network = network_class(values)
    network.pixel_decoder.choker = torch.nn.Identity()  # of the training; it cannot be saved
    return network


class Wrapper(torch.nn.Module):
    """RGB in 0..1, perhaps with each pixel's ray, to z in metres [B, 1, H, W]; without rays those that the network finds too."""

    def __init__(self, network):
        super().__init__()
        self.normalize, self.network = common.Normalize(), network

    def forward(self, image, rays=None):
        inputs = {"image": self.normalize(image)}
        if rays is not None:
            inputs["rays"] = rays
        outputs = self.network.encode_decode(inputs)[1]
        return outputs["depth"] if rays is not None else (outputs["depth"], outputs["rays"])


def metadata(encoder, size, rays):
    rule = dict(target=list(size), multiple=PATCH)
    inputs = [common.picture(name, "fixed", resample="bilinear", **rule)
              for name in (("image", "rays") if rays else ("image",))]
    # Behind the camera, which a picture of more than half a sphere sees, z is negative.
    outputs = [common.output("depth", "depth", scale="metric", unit="m", resample="bilinear")]
    if not rays:
        outputs.append(common.output("rays", "rays"))
    return {"kind": "depth", "name": f"unik3d-{encoder}" + ("-rays" if rays else ""), "inputs": inputs,
            "outputs": outputs, "batch": {"dynamic": True, "max": 8}, "precision": ["fp32"]}


def run():
    unidepth.export(__doc__, build, Wrapper, metadata, "UniK3D", "unik3d-{}", (588, 1036), 600000, LICENSE)


if __name__ == "__main__":
    common.main(run)
