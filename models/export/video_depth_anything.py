#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports Video-Depth-Anything, relative or metric, to a TorchScript file for mdvt.

  python3 video_depth_anything.py --repo Video-Depth-Anything --encoder vits \\
          --checkpoint video_depth_anything_vits.pth --out vda-vits.pt
  python3 video_depth_anything.py --repo Video-Depth-Anything --encoder vits --metric \\
          --checkpoint metric_video_depth_anything_vits.pth --out vda-metric-vits.pt

--repo is a clone of https://github.com/DepthAnything/Video-Depth-Anything; it needs the Python packages
einops and easydict. The file takes windows of 32 pictures of any size; mdvt moves them over the clip.
"""

import common  # before torch: it says what to install

import torch

LICENSES = {"vits": "Apache-2.0", "vitb": "CC-BY-NC-4.0", "vitl": "CC-BY-NC-4.0"}
HEADS = {"vits": (64, [48, 96, 192, 384]), "vitb": (128, [96, 192, 384, 768]),
         "vitl": (256, [256, 512, 1024, 1024])}
PATCH = 14
LENGTH = 32  # the length of the table of times
WINDOW = {"length": LENGTH, "stride": 22, "overlap": 10, "carry": [0, 12, 24, 25, 26, 27, 28, 29, 30, 31],
          "align_refs": [0, 12], "blend": 8, "pad": "repeat_last", "min_length": 1}


def build(repo, encoder, metric):
    """The network, and the modules of the clone whose sizes are to be traced."""
    common.add_repo(repo, "video_depth_anything/video_depth.py", "video_depth_anything/dpt_temporal.py")
    common.shim("xformers")  # LibTorch cannot load its kernels
    common.shim_missing(cv2={"INTER_CUBIC": 2, "INTER_AREA": 3}, torchvision__transforms={"Compose": object},
                        tqdm={"tqdm": iter}, matplotlib={}, matplotlib__cm={}, imageio={}, decord={})
    video_depth = common.upstream("video_depth_anything.video_depth")
    dpt_temporal = common.upstream("video_depth_anything.dpt_temporal")
    features, channels = HEADS[encoder]
    network = video_depth.VideoDepthAnything(encoder=encoder, features=features, out_channels=channels,
                                             num_frames=LENGTH, metric=metric)
    common.patch_dinov2(network.pretrained)
    return network, (dpt_temporal,)


class Wrapper(torch.nn.Module):
    """Pictures [1, T, 3, H, W], RGB in 0..1, to [1, T, 1, H, W]."""

    def __init__(self, network, bf16_encoder=False):
        super().__init__()
        self.normalize = common.Normalize()
        self.network = network
        self.taps = network.intermediate_layer_idx[network.encoder]
        self.bf16_encoder = bf16_encoder

    def features(self, x):
        return self.network.pretrained.get_intermediate_layers(x, self.taps, return_class_token=True)

    def forward(self, frames):
        # As upstream's forward(), whose last interpolation is to the size that the maps have already.
        height, width = frames.shape[3], frames.shape[4]
        x = self.normalize(frames.flatten(0, 1))
        features = common.encode(self.features, x, self.bf16_encoder)
        depth = self.network.head(features, height // PATCH, width // PATCH, LENGTH)[0]
        return torch.relu(depth).unsqueeze(0)


@torch.no_grad()
def check(network, wrapper, frames):
    """The wrapper against the clone's forward()."""
    expected = network(common.Normalize()(frames[0])[None])
    error = (wrapper.eval()(frames)[:, :, 0] - expected).abs().max().item()
    if not error <= 1e-4 * max(1.0, expected.abs().max().item()):
        raise common.ExportError(f"the wrapper gives another depth than the clone's forward(): {error}")


def metadata(encoder, metric, bf16_encoder, input_size):
    output = common.output("depth", "disparity", "1TCHW", scale="affine", non_negative=True,
                           resample="bilinear_align_corners")
    if metric:
        output.update(quantity="depth", scale="metric", unit="m")
    return {
        "kind": "depth_video",
        "name": "video-depth-anything-" + ("metric-" if metric else "") + encoder,
        "inputs": [common.picture("frames", "cover", "1TCHW", target=[input_size, input_size], multiple=PATCH,
                                  round="nearest_even", min=[PATCH, PATCH], max=[2002, 2002],
                                  wide=[1.78, 1.777])],
        "outputs": [output],
        # Metric windows are in metres already.
        "window": {**WINDOW, "align": "none" if metric else "scale_shift"},
        "precision": ["bf16_cpu_encoder"] if bf16_encoder else ["fp32", "fp16_cuda"],
    }


def run():
    parser = common.parser(__doc__.split("\n\n")[0])
    common.repo_option(parser, "https://github.com/DepthAnything/Video-Depth-Anything")
    common.weights_options(parser)
    parser.add_argument("--encoder", choices=sorted(HEADS), default="vits", help="the size")
    parser.add_argument("--metric", action="store_true", help="the checkpoint is a metric one")
    parser.add_argument("--input-size", type=int, default=518,
                        help="sides that pictures are scaled to, as the shorter one")
    parser.add_argument("--bf16-encoder", action="store_true",
                        help="the encoder in bfloat16, for CPUs with AVX512_BF16 or AMX")
    args = parser.parse_args()
    common.checked_size("input-size", [args.input_size], PATCH, PATCH, 2002)
    network, modules = build(args.repo, args.encoder, args.metric)
    common.set_weights(network, args)
    if not args.checkpoint:
        # Most of the map above zero, so that the last ReLU does not hide the rest.
        torch.nn.init.constant_(network.head.scratch.output_conv2[2].bias, 3.0)
    wrapper = Wrapper(network, args.bf16_encoder)
    examples = [(common.example((1, LENGTH, 3, height, width), seed),)
                for seed, (height, width) in enumerate([(28, 42), (42, 28)])]
    exporter = f"video_depth_anything.py --encoder {args.encoder}" + (" --metric" if args.metric else "")
    with common.attention_without_sdpa(), common.traced_sizes(*modules):
        if not args.bf16_encoder:
            check(network, wrapper, examples[0][0])
        common.finish(wrapper, metadata(args.encoder, args.metric, args.bf16_encoder, args.input_size), examples,
                      args, "https://huggingface.co/depth-anything", exporter, "Video-Depth-Anything",
                      LICENSES[args.encoder])


if __name__ == "__main__":
    common.main(run)
