#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports M2SVid, which fills a view in one pass, to a TorchScript file for mdvt.

  PYTHONPATH=m2svid/third_party/Hi3D-Official python3 m2svid.py --repo m2svid \\
    --checkpoint m2svid_weights.pt --trust-checkpoint --out m2svid.pt

--repo is a clone of https://github.com/google-research/m2svid, whose third_party/Hi3D-Official has the package sgm as
M2SVid changed it. Of the Python packages that it asks for, einops, kornia, open_clip_torch, scipy and safetensors are
needed, also with Debian's torch 1.13, and memory for 9 GB of weights. The file is for stereo_crafter_infill, which
wants the clip that the eyes were rendered of (--color_video) with it.
"""

import contextlib
import types

import common  # before torch: it says what to install

import torch

LICENSE = "as https://github.com/google-research/m2svid says"
CELL = 8  # pixels of a latent


class Lightning(torch.nn.Module):
    """What inference needs of a LightningModule."""

    @property
    def device(self):
        return next(self.parameters()).device


def for_tracing(config):
    """The same configuration without xformers, whose kernels cannot be traced, and without training's checkpoints."""
    if isinstance(config, dict):
        return {key: False if key == "use_checkpoint" else for_tracing(value) for key, value in config.items()}
    if isinstance(config, list):
        return [for_tracing(value) for value in config]
    return config.replace("-xformers", "") if isinstance(config, str) else config


def cross_attention(self, x, context=None, **_):
    """CrossAttention.forward(), whose einops would freeze the number of tokens."""
    def heads(tokens):
        count, depth = self.heads, self.to_q.out_features // self.heads
        return tokens.view(tokens.shape[0], tokens.shape[1], count, depth).transpose(1, 2)

    context = x if context is None else context
    attended = torch.nn.functional.scaled_dot_product_attention(
        heads(self.to_q(x)), heads(self.to_k(context)), heads(self.to_v(context)))
    return self.to_out(attended.transpose(1, 2).flatten(2))


def selected_attention(block, mask, tokens, output, context, *_, **__):
    """Upstream's selected_attn() of one video, for any number of masked tokens: those attend to all others.

    mask [B, N]; tokens, output [B, N, C]. The B, with and without conditions, have the same mask.
    """
    chosen = torch.nonzero(mask[0]).squeeze(1)
    attended = block(tokens.index_select(1, chosen), context=context, context_instead_of_self_attn=tokens)
    return output.index_copy(1, chosen, attended)


def build(repo, config):
    root = common.add_repo(repo, "m2svid/models_for_sgm/m2svid_model.py", config)
    yaml = common.upstream("yaml")
    # Training's, and what only other networks of the package need.
    common.shim("pytorch_lightning", LightningModule=Lightning)
    texts = ("ByT5Tokenizer", "CLIPTextModel", "CLIPTokenizer", "T5EncoderModel", "T5Tokenizer")
    common.shim_missing(pytorch_msssim={"ms_ssim": None}, fsspec={}, matplotlib__pyplot={}, imageio={},
                        omegaconf={"ListConfig": list, "OmegaConf": dict}, transformers=dict.fromkeys(texts))
    # Measures of training, which would fetch weights of their own.
    common.upstream("sgm.modules.autoencoding.lpips.loss.lpips").LPIPS = torch.nn.Identity
    # Attention that is written out is there in every version of torch.
    attention = common.upstream("sgm.modules.attention")
    attention.SDP_IS_AVAILABLE = True
    attention.CrossAttention.forward = cross_attention
    common.upstream("sgm.modules.diffusionmodules.model").version = types.SimpleNamespace(parse=lambda _: 0)
    common.upstream("sgm.modules.video_attention").selected_attn = selected_attention
    # The checkpoint has CLIP's weights too.
    clip = common.upstream("open_clip")
    create = clip.create_model_and_transforms
    clip.create_model_and_transforms = lambda name, **_: create(name, device="cpu")
    values = for_tracing(yaml.safe_load((root / config).read_text(encoding="utf-8")))["model"]
    values["params"]["loss_fn_config"] = {"target": "torch.nn.Identity"}
    values["params"].get("sampler_config", {}).setdefault("params", {})["device"] = "cpu"
    try:
        return common.upstream("sgm.util").instantiate_from_config(values)
    except (KeyError, TypeError, ValueError, AssertionError) as error:
        raise common.ExportError(f"{config}: {common.one_line(error) or type(error).__name__}") from error


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
    # A wide hole, so that the coarsest level has some of it in the trace; then a narrow one.
    for seed, columns in ((1, width // CELL // 2), (2, 2)):
        mask = torch.zeros(1, frames, 1, height // CELL, width // CELL)
        mask[..., height // CELL // 4 :, :columns] = 1
        result.append((common.example((1, frames, 3, height, width), seed, low=-1.0), mask,
                       common.example((1, frames, 3, height, width), seed + 10, low=-1.0)))
    return result


def run():
    parser = common.parser(__doc__.split("\n\n")[0])
    common.repo_option(parser, "https://github.com/google-research/m2svid")
    common.weights_options(parser)
    parser.add_argument("--config", default="configs/m2svid.yaml", metavar="FILE",
                        help="in the clone, that of the checkpoint: configs/m2svid_no_fullatten.yaml for the other")
    common.size_option(parser, (512, 512), "of the parts that the network sees")
    parser.add_argument("--frames", type=int, default=25, help="of one run")
    parser.add_argument("--carry", type=int, default=3, help="of them those that the run before has filled")
    parser.add_argument("--fps", type=float, default=24, help="frames in a second, as the network is told")
    args = parser.parse_args()
    size = common.checked_size("size", args.size, 64, 64, 2048)
    if not 0 <= args.carry < args.frames <= 1024:
        raise common.ExportError("--frames must be in [1, 1024] and --carry less")
    if not 0 < args.fps <= 1000:
        raise common.ExportError("--fps must be in (0, 1000]")
    with common.attention_without_sdpa(by_rows=True):
        network = build(args.repo, args.config)
        common.set_weights(network, args, wanted=lambda key: not key.startswith("loss_fn."))
        common.finish(Wrapper(network, args.fps), metadata(size, args.frames, args.carry, args.fps),
                      examples(size, args.frames), args, "https://github.com/google-research/m2svid",
                      f"m2svid.py --config {args.config}", "M2SVid", LICENSE)


if __name__ == "__main__":
    common.main(run)
