#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports LaMa, which paints over what a mask covers, to a TorchScript file for mdvt.

  python3 lama.py --repo lama --checkpoint big-lama/models/best.ckpt --trust-checkpoint --out lama.pt

--repo is a clone of https://github.com/advimman/lama. The checkpoint holds more than tensors, which is why it needs
--trust-checkpoint and the Python package pytorch_lightning. The file is for apply_inpainting --model.
"""

import common  # before torch: it says what to install

import torch

LICENSE = "Apache-2.0"
MULTIPLE = 8


def build(repo, blocks, channels):
    """The generator of configs/training/big-lama.yaml (18 blocks) or lama-fourier.yaml (9)."""
    common.add_repo(repo, "saicinpainting/training/modules/ffc.py")
    common.shim_missing(pytorch_lightning={"seed_everything": None},
                        kornia__geometry__transform={"rotate": None}, kornia__constants={"SamplePadding": None},
                        kornia__augmentation={"RandomAffine": None, "CenterCrop": None})
    module = common.upstream("saicinpainting.training.modules.ffc")
    plain = dict(ratio_gin=0, ratio_gout=0, enable_lfu=False)
    return module.FFCResNetGenerator(4, 3, ngf=channels, n_downsampling=3, n_blocks=blocks, add_out_act="sigmoid",
                                     init_conv_kwargs=plain, downsample_conv_kwargs=plain,
                                     resnet_conv_kwargs=dict(ratio_gin=0.75, ratio_gout=0.75, enable_lfu=False))


class Wrapper(torch.nn.Module):
    """A picture in 0..1 and a mask, 1 where it is to be painted, to the whole picture painted."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, image, mask):
        painted = self.network(torch.cat([image * (1 - mask), mask], dim=1))
        return mask * painted + (1 - mask) * image


def metadata(largest):
    rule = dict(multiple=MULTIPLE, round="ceil", min=[32, 32], max=list(largest))
    return {
        "kind": "inpaint", "name": "lama",
        "inputs": [common.picture("image", "native", resample="bilinear", **rule),
                   common.picture("mask", "native", resample="bilinear", channels=1, **rule)],
        "outputs": [common.output("image", "image", channels=3, resample="bilinear")],
        "batch": {"dynamic": False, "max": 1}, "precision": ["fp32"], "channels_last": False,
    }


def examples(*shapes):
    result = []
    for seed, (height, width) in enumerate(shapes):
        mask = torch.zeros(1, 1, height, width)
        mask[:, :, height // 4 : height // 2, width // 3 : width // 3 * 2] = 1
        result.append((common.example((1, 3, height, width), seed), mask))
    return result


def run():
    parser = common.parser(__doc__.split("\n\n")[0])
    common.repo_option(parser, "https://github.com/advimman/lama")
    common.weights_options(parser)
    parser.add_argument("--blocks", type=int, default=18, help="18 for big-lama, 9 for lama-fourier")
    parser.add_argument("--channels", type=int, default=64, help="channels of the first layer")
    common.size_option(parser, (1088, 1920), "larger pictures are scaled down to it", name="max-size")
    args = parser.parse_args()
    largest = common.checked_size("max-size", args.max_size, MULTIPLE, 32, 4096)
    if not 1 <= args.blocks <= 64 or not 8 <= args.channels <= 512:
        raise common.ExportError("--blocks must be in [1, 64], --channels in [8, 512]")
    network = common.set_weights(build(args.repo, args.blocks, args.channels), args, prefix="generator.")
    common.finish(Wrapper(network), metadata(largest), examples((64, 96), (80, 48)), args,
                  "https://github.com/advimman/lama", f"lama.py --blocks {args.blocks}", "LaMa", LICENSE)


if __name__ == "__main__":
    common.main(run)
