#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports Depth Pro, metric depth of single pictures with a field of view, to a TorchScript file for mdvt.

  python3 depth_pro.py --repo ml-depth-pro --checkpoint depth_pro.pt --out depthpro.pt

--repo is a clone of https://github.com/apple/ml-depth-pro, whose get_pretrained_models.sh brings the checkpoint; it needs
the Python packages timm and torchvision. The network sees every picture stretched to 1536 x 1536. For depthpro_video.
"""

import dataclasses

import common  # before torch: it says what to install

import torch

LICENSE = "as the LICENSE of apple/ml-depth-pro says"
SIDE = 1536
# Of timm, layers that are tapped, width, levels, width of the decoder.
ENCODERS = {"vits": ("vit_small_patch14_dinov2", [2, 5, 8, 11], 384, [32, 64, 96, 96], 32),
            "vitl": ("vit_large_patch14_dinov2", [5, 11, 17, 23], 1024, [256, 512, 1024, 1024], 256)}


def build(repo, encoder):
    root = common.add_repo(repo, "depth_pro/depth_pro.py", "depth_pro/network/vit_factory.py", inside="src")
    unused = lambda *_, **__: None  # its transforms of pictures
    common.shim_missing(torchvision__transforms=dict.fromkeys(
        ("Compose", "ConvertImageDtype", "Lambda", "Normalize", "ToTensor"), unused))
    common.bare_packages(root, "depth_pro")
    factory, network = (common.upstream(f"depth_pro.{name}") for name in ("network.vit_factory", "depth_pro"))
    timm_name, taps, width, levels, decoder = ENCODERS[encoder]
    preset = "dinov2l16_384"
    factory.VIT_CONFIG_DICT[preset] = dataclasses.replace(
        factory.VIT_CONFIG_DICT[preset], timm_preset=timm_name, embed_dim=width, encoder_feature_layer_ids=taps,
        encoder_feature_dims=levels)
    return network.create_model_and_transforms(dataclasses.replace(
        network.DEFAULT_MONODEPTH_CONFIG_DICT, checkpoint_uri=None, decoder_features=decoder))[0]


class Wrapper(torch.nn.Module):
    """RGB in 0..1 to the inverse depth that it would have at a focal length of 1536 pixels, and the camera [B, 3, 3]."""

    def __init__(self, network):
        super().__init__()
        self.normalize, self.network = common.Normalize((0.5,) * 3, (0.5,) * 3), network

    def forward(self, image):
        inverse, fov_deg = self.network(self.normalize(image))
        for name in ("backbone_highres_hook0", "backbone_highres_hook1"):
            setattr(self.network.encoder, name, None)  # what the last picture left would become part of the file
        focal = 0.5 * SIDE / torch.tan(torch.deg2rad(fov_deg.float().reshape(-1)) / 2)
        # In x; that in y depends on the picture's proportions, which the network does not see.
        zero, one = torch.zeros_like(focal), torch.ones_like(focal)
        centre = one * (0.5 * SIDE)
        camera = torch.stack([focal, zero, centre, zero, focal, centre, zero, zero, one], dim=1).reshape(-1, 3, 3)
        return inverse.float(), camera


def metadata(encoder):
    return {
        "kind": "depth", "name": f"depth-pro-{encoder}",
        "inputs": [common.picture("image", "fixed", resample="bilinear", target=[SIDE, SIDE], keep_aspect=False)],
        "outputs": [common.output("depth", "disparity", scale="metric_times_focal", focal_ref=SIDE, unit="m",
                                  resample="bilinear", non_negative=True),
                    common.output("intrinsics", "intrinsics", "N33")],
        # Its own code tells patches and pictures apart by the batch that it is traced with.
        "batch": {"dynamic": False, "max": 1}, "precision": ["fp32", "fp16_cuda"],
    }


def run():
    parser = common.parser(__doc__.split("\n\n")[0])
    common.repo_option(parser, "https://github.com/apple/ml-depth-pro")
    common.weights_options(parser)
    parser.add_argument("--encoder", choices=sorted(ENCODERS), default="vitl",
                        help="the published one is vitl; vits is a small one for trials with random weights")
    args = parser.parse_args()
    with common.attention_without_sdpa():
        network = common.set_weights(build(args.repo, args.encoder), args)
        if not args.checkpoint:
            # The last ReLU would hide most of it, and the angle might be negative.
            torch.nn.init.constant_(network.head[4].bias, 1.0)
            torch.nn.init.constant_(network.fov.head[-1].bias, 60.0)
        examples = [(common.example((1, 3, SIDE, SIDE), seed),) for seed in (1, 2)]
        common.finish(Wrapper(network), metadata(args.encoder), examples, args,
                      "depth_pro.pt of https://github.com/apple/ml-depth-pro", f"depth_pro.py --encoder {args.encoder}",
                      "Depth Pro", LICENSE)


if __name__ == "__main__":
    common.main(run)
