#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports M2SVid, which fills a view in one pass, to a TorchScript file for mdvt.

  PYTHONPATH=m2svid/third_party/Hi3D-Official python3 m2svid.py --repo m2svid \\
    --checkpoint m2svid_weights.pt --trust-checkpoint --out m2svid.pt

--repo is a clone of https://github.com/google-research/m2svid; Hi3D-Official, which its README names, has the package
sgm. Needs what both ask for, and memory for 9 GB of weights. The file is for stereo_crafter_infill, which wants the
clip that the eyes were rendered of (--color_video) with it.
"""

import contextlib

import common  # before torch: it says what to install

import torch

LICENSE = "as https://github.com/google-research/m2svid says"
CELL = 8  # pixels of a latent


def plain_attention(config):
    """The same configuration without xformers, whose kernels cannot be traced."""
    if isinstance(config, dict):
        return {key: plain_attention(value) for key, value in config.items()}
    if isinstance(config, list):
        return [plain_attention(value) for value in config]
    return config.replace("-xformers", "") if isinstance(config, str) else config


def build(repo, config):
    root = common.add_repo(repo, "m2svid/models_for_sgm/m2svid_model.py", config)
    yaml = common.upstream("yaml")
    # Measures of training, which would fetch weights of their own.
    common.upstream("sgm.modules.autoencoding.lpips.loss.lpips").LPIPS = torch.nn.Identity
    common.shim_missing(pytorch_msssim={"ms_ssim": None})
    values = plain_attention(yaml.safe_load((root / config).read_text(encoding="utf-8")))["model"]
    values["params"]["loss_fn_config"] = {"target": "torch.nn.Identity"}
    return common.upstream("sgm.util").instantiate_from_config(values)


@contextlib.contextmanager
def without_noise():
    """On the CPU, in full precision and without random numbers: the network begins at zero and is told of a little
    noise on its inputs, which need not be there."""
    def itself(tensor, *_, **__):
        return tensor

    def zeros(*shape, **options):
        options.pop("generator", None)
        return torch.zeros(*shape, **options)

    kept = torch.Tensor.cuda, torch.Tensor.half, torch.randn, torch.randn_like
    torch.Tensor.cuda, torch.Tensor.half, torch.randn, torch.randn_like = itself, itself, zeros, torch.zeros_like
    try:
        yield
    finally:
        torch.Tensor.cuda, torch.Tensor.half, torch.randn, torch.randn_like = kept


class Wrapper(torch.nn.Module):
    """Frames of the eye and of the clip [1, T, 3, H, W] in -1..1, a mask [1, T, 1, H / 8, W / 8], 1 in holes."""

    def __init__(self, network, fps):
        super().__init__()
        self.network, self.fps = network, float(fps)

    def forward(self, frames, mask, originals):
        eye, clip = frames.transpose(1, 2), originals.transpose(1, 2)
        batch = {"video": clip, "video_2nd_view": clip, "reprojected_video": eye,
                 "reprojected_mask": 2 * mask.transpose(1, 2) - 1, "caption": [""],
                 "fps_id": torch.full((1,), self.fps, device=frames.device),
                 "motion_bucket_id": torch.full((1,), 127.0, device=frames.device)}
        with without_noise():
            return self.network.generate(batch)["generated-video"].transpose(1, 2)


def metadata(size, frames, carry, fps):
    picture = dict(target=list(size), keep_aspect=False, dynamic=False)
    return {
        "kind": "inpaint", "name": "m2svid",
        "inputs": [common.picture("frames", "fixed", "1TCHW", resample="bilinear", range=(-1, 1), **picture),
                   {**common.picture("mask", "fixed", "1TCHW", resample="bilinear", channels=1, **picture),
                    "downscale": CELL},
                   common.picture("originals", "fixed", "1TCHW", resample="bilinear", range=(-1, 1), **picture)],
        "outputs": [common.output("frames", "image", "1TCHW", channels=3, resample="bilinear")],
        "window": {"length": frames, "overlap": carry},
        "fixed": {"fps": fps}, "precision": ["fp32", "fp16_cuda"], "channels_last": False,
    }


def examples(size, frames):
    height, width = size
    result = []
    for seed in (1, 2):
        mask = torch.zeros(1, frames, 1, height // CELL, width // CELL)
        mask[..., height // CELL // 4 :, seed : seed + 2] = 1
        result.append((common.example((1, frames, 3, height, width), seed, low=-1.0), mask,
                       common.example((1, frames, 3, height, width), seed + 10, low=-1.0)))
    return result


def run():
    parser = common.parser(__doc__.split("\n\n")[0])
    common.repo_option(parser, "https://github.com/google-research/m2svid")
    common.weights_options(parser)
    parser.add_argument("--config", default="configs/m2svid.yaml", metavar="FILE",
                        help="in the clone, that of the checkpoint: configs/m2svid_no_fullatten.yaml for the other")
    parser.add_argument("--size", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"), default=(512, 512),
                        help="of the parts that the network sees")
    parser.add_argument("--frames", type=int, default=25, help="of one run")
    parser.add_argument("--carry", type=int, default=3, help="of them those that the run before has filled")
    parser.add_argument("--fps", type=float, default=24, help="frames in a second, as the network is told")
    args = parser.parse_args()
    size = common.checked_size("size", args.size, 64, 64, 2048)
    if not 0 <= args.carry < args.frames <= 1024:
        raise common.ExportError("--frames must be in [1, 1024] and --carry less")
    if not 0 < args.fps <= 1000:
        raise common.ExportError("--fps must be in (0, 1000]")
    network = build(args.repo, args.config)
    common.set_weights(network, args)
    common.finish(Wrapper(network, args.fps), metadata(size, args.frames, args.carry, args.fps),
                  examples(size, args.frames), args, "https://github.com/google-research/m2svid",
                  f"m2svid.py --config {args.config}", "M2SVid", LICENSE)


if __name__ == "__main__":
    common.main(run)
