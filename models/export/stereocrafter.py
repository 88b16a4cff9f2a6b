#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports StereoCrafter's inpainting network, Stable Video Diffusion's layout, to four TorchScript files for mdvt.

  python3 stereocrafter.py --svd stable-video-diffusion-img2vid-xt-1-1 --unet StereoCrafter --out-folder models

--svd is the downloaded folder with vae/ and image_encoder/, --unet that of TencentARC/StereoCrafter with
unet_diffusers/. Needs the Python packages diffusers and transformers, and memory for 7 GB of weights. Writes
stereocrafter-{vae_encoder,image_encoder,unet,vae_decoder}.pt, for stereo_crafter_infill.

Other networks of the layout, whose UNet takes four noisy, four known channels and a mask, are exported alike.
"""

import argparse
import pathlib

import common  # before torch: it says what to install

import torch

LICENSE = "research and non-commercial use only"
ORIGIN = "https://huggingface.co/TencentARC/StereoCrafter"
CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
NATIVE = {"multiple": 64, "round": "ceil", "min": [64, 64], "max": [4096, 4096]}
SCHEDULER = {"sigma_min": 0.002, "sigma_max": 700, "rho": 7, "prediction": "v", "steps": 8, "guidance": 1.01,
             "fps_id": 6, "motion_bucket": 127, "noise_augmentation": 0, "latent_scale": 0.18215, "chunk": 23,
             "carry": 3}
ROLES = ("vae_encoder", "image_encoder", "unet", "vae_decoder")


class VaeEncoder(torch.nn.Module):
    """Pictures [F, 3, H, W] in -1..1 to the mode of their latents [F, 4, H / 8, W / 8], not scaled."""

    def __init__(self, vae):
        super().__init__()
        self.encoder, self.quant_conv = vae.encoder, vae.quant_conv

    def forward(self, image):
        return self.quant_conv(self.encoder(image))[:, :4]


class ImageEncoder(torch.nn.Module):
    """A picture [1, 3, 224, 224] in 0..1 to CLIP's embedding [1, 1, D]."""

    def __init__(self, clip):
        super().__init__()
        self.normalize, self.clip = common.Normalize(CLIP_MEAN, CLIP_STD), clip

    def forward(self, image):
        return self.clip(self.normalize(image), return_dict=False)[0].unsqueeze(1)


class Unet(torch.nn.Module):
    def __init__(self, unet):
        super().__init__()
        self.unet = unet

    def forward(self, sample, timestep, embedding, time_ids):
        return self.unet(sample, timestep, embedding, time_ids, return_dict=False)[0]


class VaeDecoder(torch.nn.Module):
    """Latents [F, 4, h, w] over the scale to pictures [F, 3, 8 h, 8 w] in -1..1; the F are neighbours in time."""

    def __init__(self, vae):
        super().__init__()
        self.decoder = vae.decoder

    def forward(self, latent):
        frames = latent.shape[0]
        still = torch.zeros_like(latent[:, 0, 0, 0]).unsqueeze(0)
        return self.decoder(latent, num_frames=frames, image_only_indicator=still)


def load(network, folder, seed):
    """A network of diffusers or transformers from its folder, or of its configuration alone with random weights."""
    folder = pathlib.Path(folder)
    if not (folder / "config.json").is_file():
        raise common.ExportError(f"{folder}: has no config.json, give the downloaded folder")
    if seed is not None:
        if hasattr(network, "load_config"):
            result = network.from_config(network.load_config(str(folder)))
        else:
            result = network(network.config_class.from_pretrained(str(folder)))
        common.fill_random(result, seed)
        return result
    common.progress(f"reading {folder}")
    weights = sorted(folder.glob("*.safetensors"))
    half = [path for path in weights if ".fp16." in path.name]
    variant = "fp16" if half and len(half) == len(weights) else None
    try:
        return network.from_pretrained(str(folder), variant=variant, torch_dtype=torch.float32,
                                       local_files_only=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise common.ExportError(f"{folder}: {common.one_line(error)}") from error


def networks(args):
    """Role: function that gives the wrapped network, so that only one is in memory at a time."""
    diffusers, transformers = common.upstream("diffusers"), common.upstream("transformers")
    svd, seed = pathlib.Path(args.svd), args.random_weights

    def vae():
        return load(diffusers.AutoencoderKLTemporalDecoder, svd / "vae", seed).eval()

    def unet():
        network = load(diffusers.UNetSpatioTemporalConditionModel,
                       pathlib.Path(args.unet) / "unet_diffusers", seed).eval()
        if network.config.in_channels != 9:
            raise common.ExportError(f"{args.unet}: the UNet takes {network.config.in_channels} channels, not the 9 "
                                     "of inpainting")
        return Unet(network)

    def clip():
        return ImageEncoder(load(transformers.CLIPVisionModelWithProjection, svd / "image_encoder", seed).eval())

    return {"vae_encoder": lambda: VaeEncoder(vae()), "image_encoder": clip, "unet": unet,
            "vae_decoder": lambda: VaeDecoder(vae())}


def latent(name, layout, channels=4):
    return {"layout": layout, "name": name, "channels": channels, "downscale": 8}


def ports(role):
    """Inputs and outputs in the metadata."""
    size = {"rule": "native", "dynamic": True, **NATIVE}
    if role == "vae_encoder":
        return ([common.picture("image", "native", "FCHW", range=(-1, 1), **NATIVE)],
                [{**latent("latent", "FCHW"), "quantity": "latent"}])
    if role == "image_encoder":
        return ([common.picture("image", "fixed", "1CHW", resample="bicubic", target=[224, 224], keep_aspect=False)],
                [common.output("embedding", "latent", "11D")])
    if role == "unet":
        return ([{**latent("sample", "1FCHW", 9), "size": size}, {"name": "timestep", "layout": "1"},
                 {"name": "embedding", "layout": "11D"}, {"name": "time_ids", "layout": "13"}],
                [{**latent("v", "1FCHW"), "quantity": "latent"}])
    return [{**latent("latent", "FCHW"), "size": size}], [common.output("image", "image", "FCHW")]


def examples(role, embedding):
    """Two proportions and two numbers of frames each."""
    shapes = ((2, 64, 128), (3, 128, 64))
    if role == "vae_encoder":
        return [(common.example((f, 3, h, w), f, low=-1.0),) for f, h, w in shapes]
    if role == "image_encoder":
        return [(common.example((1, 3, 224, 224), seed),) for seed in (1, 2)]
    if role == "vae_decoder":
        return [(common.example((f, 4, h // 8, w // 8), f, low=-1.0),) for f, h, w in ((1, 64, 128), *shapes)]
    result = []
    for frames, height, width in shapes:
        generator = torch.Generator().manual_seed(frames)
        sample = torch.randn((1, frames, 9, height // 8, width // 8), generator=generator)
        sample[:, :, 8:] = (sample[:, :, 8:] > 0).float()
        result.append((sample, torch.tensor([0.5 - frames]), torch.randn((1, 1, embedding), generator=generator),
                       torch.tensor([[6.0, 127.0, 0.0]])))
    return result


def run():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--svd", required=True, metavar="FOLDER", help="stable-video-diffusion-img2vid-xt-1-1")
    parser.add_argument("--unet", required=True, metavar="FOLDER", help="StereoCrafter's, with unet_diffusers/")
    parser.add_argument("--out-folder", required=True, metavar="FOLDER", help="where the four files go")
    parser.add_argument("--random-weights", type=int, metavar="SEED",
                        help="random weights of the folders' configurations instead: for tests")
    parser.add_argument("--group", default="stereocrafter", help="the name that the files share")
    parser.add_argument("--no-manifest", action="store_true", help="do not list the files in manifest.json beside them")
    args = parser.parse_args()
    folder = pathlib.Path(args.out_folder)
    if not folder.is_dir():
        raise common.ExportError(f"{folder}: no such folder")
    args.checkpoint = None
    embedding = None
    builders = networks(args)
    outs = {role: folder / f"{args.group}-{role}.pt" for role in builders}
    for out in outs.values():
        common.check_out(out, not args.no_manifest)
    for role, build in builders.items():
        with common.attention_without_sdpa(by_rows=True):
            network = build()
            if role == "image_encoder":
                embedding = network.clip.config.projection_dim
            for module in network.modules():
                if hasattr(module, "set_attn_processor"):
                    module.set_attn_processor(common.upstream("diffusers.models.attention_processor").AttnProcessor2_0())
            inputs, outputs = ports(role)
            meta = {"kind": "infill_part", "name": f"{args.group}-{role}", "group": args.group, "role": role,
                    "inputs": inputs, "outputs": outputs, "precision": ["fp32", "fp16_cuda"]}
            if role == "unet":
                meta["scheduler"] = SCHEDULER
            common.finish(network, meta, examples(role, embedding), args, ORIGIN, "stereocrafter.py", "StereoCrafter",
                          LICENSE, out=outs[role], checkpoint_name=args.unet)


if __name__ == "__main__":
    common.main(run)
