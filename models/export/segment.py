#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports U2-Net or IS-Net, which find the subject of a picture, to a TorchScript file for mdvt.

  python3 segment.py --repo U-2-Net --model u2net --checkpoint u2net.pth --out u2net.pt
  python3 segment.py --repo DIS --model isnet --checkpoint isnet-general-use.pth --out isnet.pt

--repo is a clone of https://github.com/xuebinqin/U-2-Net or of https://github.com/xuebinqin/DIS. The file is
for create_video_mask --model.
"""

import common  # before torch: it says what to install

import torch

LICENSE = "Apache-2.0"
# Side of the network's input, folder in the clone, module, class, and what it takes.
MODELS = {
    "u2net": (320, ".", "model.u2net", "U2NET", common.Normalize()),
    "u2netp": (320, ".", "model.u2net", "U2NETP", common.Normalize()),
    "isnet": (1024, "IS-Net", "models.isnet", "ISNetDIS", common.Normalize((0.5,) * 3, (1.0,) * 3)),
}
ORIGINS = {"u2net": "U-2-Net", "u2netp": "U-2-Net", "isnet": "DIS"}


class Wrapper(torch.nn.Module):
    """RGB in 0..1 to a mask in 0..1 [B, 1, H, W]: the first of the outputs, which are sigmoids already."""

    def __init__(self, network, normalize):
        super().__init__()
        self.normalize, self.network = normalize, network

    def forward(self, image):
        outputs = self.network(self.normalize(image))
        return outputs[0] if torch.is_tensor(outputs[0]) else outputs[0][0]


def metadata(name, side):
    return {
        "kind": "segment", "name": name,
        "inputs": [common.picture("image", "fixed", range="image_max", resample="lanczos3_antialias",
                                  target=[side, side], keep_aspect=False)],
        "outputs": [common.output("mask", "probability", resample="lanczos3_antialias")],
        "batch": {"dynamic": True, "max": 8}, "precision": ["fp32", "fp16_cuda"], "channels_last": True,
    }


def run():
    parser = common.parser(__doc__.split("\n\n")[0])
    common.repo_option(parser, "https://github.com/xuebinqin/U-2-Net", " or https://github.com/xuebinqin/DIS")
    common.weights_options(parser)
    parser.add_argument("--model", choices=sorted(MODELS), default="u2net", help="the network")
    parser.add_argument("--input-size", type=int, metavar="PIXELS",
                        help="the one side that the file takes; None is that of the training, 320 or 1024")
    args = parser.parse_args()
    side, folder, module, name, normalize = MODELS[args.model]
    side = side if args.input_size is None else args.input_size
    common.checked_size("input-size", [side], 32, 64, 2048)
    path = module.replace(".", "/") + ".py"
    common.add_repo(args.repo, path, inside=folder)
    common.shim_missing(torchvision={"models": None})
    network = common.set_weights(getattr(common.upstream(module), name)(3, 1), args)
    examples = [(common.example((batch, 3, side, side), batch),) for batch in (1, 2)]
    common.finish(Wrapper(network, normalize), metadata(args.model, side), examples, args,
                  f"https://github.com/xuebinqin/{ORIGINS[args.model]}", f"segment.py --model {args.model}",
                  ORIGINS[args.model], LICENSE)


if __name__ == "__main__":
    common.main(run)
