#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports Video-Depth-Anything, relative or metric, to a TorchScript file for mdvt.

  python3 video_depth_anything.py --repo Video-Depth-Anything --encoder vits \\
          --checkpoint video_depth_anything_vits.pth --out vda-vits.pt
  python3 video_depth_anything.py --repo Video-Depth-Anything --encoder vits --metric \\
          --checkpoint metric_video_depth_anything_vits.pth --out vda-metric-vits.pt

With --stream, one picture at a time and what the network remembers of those before, for live use:

  python3 video_depth_anything.py --repo Video-Depth-Anything --encoder vits --stream \\
          --checkpoint video_depth_anything_vits.pth --out vda-vits-stream.pt

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
# Of the streaming mode: the scene's first frame and the last 41; of these the oldest and the last 29 are seen.
REMEMBERED, SEEN_LAST = 42, 29
# Tokens of the four temporal modules, two states each: rows and columns are these parts of the grid of patches.
GRIDS = ((1, 1), (1, 2), (1, 1), (2, 1))


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


@torch.jit.script
def context(state: torch.Tensor, time: torch.Tensor, image: torch.Tensor, times: int, part: int, seen_last: int):
    """What a frame sees of those before: nothing at the start, where `state` is not one yet. [P, T, C]"""
    if bool(time[0] < 0.5):
        rows = (image.size(2) // 14 * times + part - 1) // part
        columns = (image.size(3) // 14 * times + part - 1) // part
        return state.new_zeros([rows * columns, 0, state.size(2)])
    return torch.cat([state[:, :2], state[:, -seen_last:]], dim=1)


@torch.jit.script
def remember(state: torch.Tensor, fresh: torch.Tensor, time: torch.Tensor, remembered: int):
    """The state for the next frame: at the start the first frame over and over, then the oldest but one goes."""
    if bool(time[0] < 0.5):
        return fresh.repeat(1, remembered, 1)
    return torch.cat([state[:, :1], state[:, 2:], fresh], dim=1)


class StreamWrapper(torch.nn.Module):
    """A picture [1, 3, H, W], RGB in 0..1, its number in the scene [1] and eight states to [1, 1, H, W] and the
    states for the next picture."""

    def __init__(self, network, bf16_encoder=False):
        super().__init__()
        self.windows = Wrapper(network, bf16_encoder)
        self.grids = [grid for grid in GRIDS for _ in range(2)]

    def forward(self, frame, time, *states):
        height, width = frame.shape[2], frame.shape[3]
        windows = self.windows
        features = common.encode(windows.features, windows.normalize(frame), windows.bf16_encoder)
        seen = [context(state, time, frame, *grid, SEEN_LAST) for state, grid in zip(states, self.grids)]
        depth, fresh = windows.network.head(features, height // PATCH, width // PATCH, 1,
                                            cached_hidden_state_list=seen)
        return (torch.relu(depth), *(remember(state, new, time, REMEMBERED) for state, new in zip(states, fresh)))


@torch.no_grad()
def check_stream(network, wrapper, frames):
    """The wrapper against the clone's head with lists of what each frame left, as its streaming loop has them."""
    windows, states, entries = wrapper.eval().windows, None, []
    for number in range(frames.shape[1]):
        frame = frames[:, number]
        features = windows.features(windows.normalize(frame))
        seen = None
        if entries:
            chosen = entries[:2] + entries[-SEEN_LAST:]
            seen = [torch.cat([entry[i] for entry in chosen], dim=1) for i in range(len(entries[0]))]
        expected, fresh = network.head(features, frame.shape[2] // PATCH, frame.shape[3] // PATCH, 1,
                                       cached_hidden_state_list=seen)
        entries = entries + [fresh] if entries else [fresh] * LENGTH
        if len(entries) > REMEMBERED:
            del entries[1]
        states = states or [part.new_zeros(1, 1, part.shape[2]) for part in fresh]
        depth, *states = wrapper(frame, torch.tensor([float(number)]), *states)
        error = (depth - torch.relu(expected)).abs().max().item()
        if not error <= 1e-4 * max(1.0, expected.abs().max().item()):
            raise common.ExportError(f"frame {number}: the wrapper gives another depth than the clone's head: {error}")
    return states


def stream_examples(network, wrapper):
    """A first frame and a later one at two sizes; the later ones' states are those of frames before."""
    result = []
    for seed, (height, width) in enumerate([(28, 42), (56, 42)]):
        frames = common.example((1, 3, 3, height, width), seed)
        with torch.no_grad():
            states = check_stream(network, wrapper, frames)
        start = tuple(torch.zeros(1, 1, state.shape[2]) for state in states)
        result.append((frames[:, 0], torch.tensor([0.0]), *start))
        result.append((frames[:, 2], torch.tensor([3.0]), *states))
    return result


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


def stream_metadata(meta, states):
    """Of the same network frame by frame; `states` are those of an example."""
    picture, depth = meta["inputs"][0], meta["outputs"][0]
    picture.update(name="frame", layout="NCHW")
    depth.update(layout="NCHW")
    names = [f"state{i}" for i in range(len(states))]
    tensors = [{"name": name, "layout": "PTC", "channels": state.shape[2]} for name, state in zip(names, states)]
    return {**{key: value for key, value in meta.items() if key != "window"},
            "kind": "depth_stream", "name": meta["name"] + "-stream",
            "inputs": [picture, {"name": "time", "layout": "1"}, *tensors],
            "outputs": [depth, *({**tensor, "quantity": "latent"} for tensor in tensors)]}


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
    parser.add_argument("--stream", action="store_true",
                        help="one picture at a time instead of windows: for live use, less exact")
    args = parser.parse_args()
    if args.stream and args.out.endswith(".onnx"):
        raise common.ExportError("--stream: what it remembers cannot be written as .onnx; give --out a name in .pt")
    common.checked_size("input-size", [args.input_size], PATCH, PATCH, 2002)
    network, modules = build(args.repo, args.encoder, args.metric)
    common.set_weights(network, args)
    if not args.checkpoint:
        # Most of the map above zero, so that the last ReLU does not hide the rest.
        torch.nn.init.constant_(network.head.scratch.output_conv2[2].bias, 3.0)
    meta = metadata(args.encoder, args.metric, args.bf16_encoder, args.input_size)
    exporter = f"video_depth_anything.py --encoder {args.encoder}" + (" --metric" if args.metric else "")
    origin = "https://huggingface.co/depth-anything"
    if args.stream:
        wrapper = StreamWrapper(network, args.bf16_encoder)
        with common.attention_without_sdpa(), common.traced_sizes(*modules):
            examples = stream_examples(network, wrapper)
            # Traced on a later frame; the start's branch is kept as well, and compared.
            examples = examples[1:] + examples[:1]
            common.finish(wrapper, stream_metadata(meta, examples[0][2:]), examples, args, origin,
                          exporter + " --stream", "Video-Depth-Anything", LICENSES[args.encoder],
                          check_shape=[list(part.shape) for part in examples[-1]])
        return
    wrapper = Wrapper(network, args.bf16_encoder)
    examples = [(common.example((1, LENGTH, 3, height, width), seed),)
                for seed, (height, width) in enumerate([(28, 42), (42, 28)])]
    with common.attention_without_sdpa(), common.traced_sizes(*modules):
        if not args.bf16_encoder:
            check(network, wrapper, examples[0][0])
        common.finish(wrapper, meta, examples, args, origin, exporter, "Video-Depth-Anything",
                      LICENSES[args.encoder])


if __name__ == "__main__":
    common.main(run)
