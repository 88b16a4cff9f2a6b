#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports PromptDA (Prompt Depth Anything), which enlarges depth, to a TorchScript file for mdvt.

  python3 promptda.py --repo PromptDA --encoder vitl --checkpoint promptda_vitl.ckpt --out promptda-vitl.pt

--repo is a clone of https://github.com/DepthAnything/PromptDA. The file takes pictures of any size whose sides are
multiples of 14, and the depth to enlarge as a second input; it is for upscale_depth_promptda --model.
"""

import common  # before torch: it says what to install

import torch
import torch.nn.functional as F

LICENSE = "Apache-2.0"
ENCODERS = ("vits", "vitb", "vitl")
PATCH = 14
PROMPT = (192, 256)  # height and width of the depth that the network was trained with
LARGEST = 1008       # of the longer side, as the original's own tools have it


def build(repo, encoder):
    """The network, and the modules of the clone whose sizes are to be traced."""
    common.add_repo(repo, "promptda/promptda.py", "promptda/model/dpt.py")
    common.shim("xformers")  # LibTorch cannot load its kernels
    common.shim_missing(huggingface_hub={"hf_hub_download": None}, termcolor={"colored": lambda text, *_: text})
    module = common.upstream("promptda.promptda")
    # Weights are loaded below: upstream reads them with pickle.
    module.PromptDA.load_checkpoint = lambda network, path: None
    network = module.PromptDA(encoder=encoder, ckpt_path="")
    common.patch_dinov2(network.pretrained)
    return network, (common.upstream("promptda.model.dpt"),)


class Wrapper(torch.nn.Module):
    """Pictures [N, 3, H, W], RGB in 0..1, and the depth to enlarge [N, 1, H, W] in 0..1 to depth [N, 1, H, W] in the
    same range, which upstream stretches and undoes for each frame: mdvt does that itself."""

    def __init__(self, network):
        super().__init__()
        self.normalize, self.network = common.Normalize(), network
        self.taps = network.model_config["layer_idxs"]

    def forward(self, image, prompt):
        height, width = image.shape[2], image.shape[3]
        small = F.interpolate(prompt, PROMPT, mode="bilinear", align_corners=False)
        features = self.network.pretrained.get_intermediate_layers(self.normalize(image), self.taps,
                                                                   return_class_token=True)
        return self.network.depth_head(features, height // PATCH, width // PATCH, small)


@torch.no_grad()
def check(network, wrapper, image, prompt):
    """The wrapper against the clone's forward(), which stretches the prompt to 0..1 and its result back."""
    small = F.interpolate(prompt, PROMPT, mode="bilinear", align_corners=False)
    low, high = small.min(), small.max()
    expected = (network(image, small) - low) / (high - low)
    error = (wrapper.eval()(image, (prompt - low) / (high - low)) - expected).abs().max().item()
    if not error <= 1e-4:
        raise common.ExportError(f"the wrapper gives another depth than the clone's forward(): {error}")


def metadata(encoder, input_size):
    return {
        "kind": "depth",
        "name": "promptda-" + encoder,
        "inputs": [common.picture("image", "fit", target=[input_size, input_size], multiple=PATCH,
                                  round="nearest_even", min=[PATCH, PATCH], max=[2002, 2002], resample="area_or_cubic"),
                   {"name": "prompt", "layout": "NCHW", "channels": 1}],
        "outputs": [common.output("depth", "depth", scale="affine", resample="bilinear", non_negative=True)],
        "batch": {"dynamic": True, "max": 4},
        "precision": ["fp32", "fp16_cuda"],
    }


def run():
    parser = common.parser(__doc__.split("\n\n")[0])
    common.repo_option(parser, "https://github.com/DepthAnything/PromptDA")
    common.weights_options(parser)
    parser.add_argument("--encoder", choices=ENCODERS, default="vitl", help="the size")
    parser.add_argument("--input-size", type=int, default=LARGEST, help="longer side that pictures are scaled to")
    args = parser.parse_args()
    common.checked_size("input-size", [args.input_size], PATCH, PATCH, 2002)
    network, modules = build(args.repo, args.encoder)
    common.set_weights(network, args, prefix="pipeline.")
    wrapper = Wrapper(network)
    examples = [(common.example((batch, 3, height, width), seed), common.example((batch, 1, height, width), seed + 9))
                for seed, (batch, height, width) in enumerate([(1, 56, 84), (2, 84, 56)])]
    with common.attention_without_sdpa(), common.traced_sizes(*modules):
        check(network, wrapper, *examples[0])
        common.finish(wrapper, metadata(args.encoder, args.input_size), examples, args,
                      "https://huggingface.co/depth-anything", f"promptda.py --encoder {args.encoder}", "PromptDA",
                      LICENSE)


if __name__ == "__main__":
    common.main(run)
