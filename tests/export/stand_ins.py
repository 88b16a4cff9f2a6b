# SPDX-License-Identifier: Apache-2.0
"""Small networks under the names of upstream's modules and classes, with the same arguments and results.

An exporter that is given such a folder as --repo does all that it does with a real clone. Whether the real clones
have these names is what nobody can test without them.
"""

import contextlib
import io
import pathlib
import sys

VIDEO_DEPTH_ANYTHING = {
    "video_depth_anything/__init__.py": "",
    "video_depth_anything/dpt_temporal.py": """
import torch
class Head(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.project = torch.nn.Conv2d(8, 6, 1)
        self.time = torch.nn.Linear(6, 6)
        self.scratch = torch.nn.Module()
        self.scratch.output_conv2 = torch.nn.Sequential(torch.nn.Conv2d(6, 4, 3, padding=1), torch.nn.ReLU(),
                                                        torch.nn.Conv2d(4, 1, 1))
    def forward(self, features, rows, columns, frames):
        x = features[-1][0]
        x = self.project(x.permute(0, 2, 1).reshape(x.shape[0], x.shape[-1], rows, columns))
        mean = self.time(x.mean((2, 3)))
        x = x + (mean.cumsum(0) / frames)[:, :, None, None]
        x = torch.nn.functional.interpolate(x, (int(rows * 14), int(columns * 14)), mode="bilinear",
                                            align_corners=True)
        return self.scratch.output_conv2(x), []
""",
    "video_depth_anything/video_depth.py": """
import cv2
import torch
from torchvision.transforms import Compose
from tqdm import tqdm
from .dpt_temporal import Head
class Encoder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.patch_embed = Patches()
        self.cls_token = torch.nn.Parameter(torch.zeros(1, 1, 8))
        self.pos_embed = torch.nn.Parameter(torch.zeros(1, 26, 8))
        self.mix = torch.nn.Linear(8, 8)
    def prepare_tokens_with_masks(self, x):
        raise RuntimeError("the exporter replaces this")
    def get_intermediate_layers(self, x, taps, return_class_token):
        tokens = torch.tanh(self.mix(self.prepare_tokens_with_masks(x)))
        return tuple((tokens[:, 1:], tokens[:, 0]) for _ in taps)
class Patches(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.proj = torch.nn.Conv2d(3, 8, 14, 14)
    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)
class VideoDepthAnything(torch.nn.Module):
    def __init__(self, encoder, features, out_channels, num_frames, metric):
        super().__init__()
        self.encoder = encoder
        self.intermediate_layer_idx = {encoder: [0, 1]}
        self.pretrained = Encoder()
        self.head = Head()
    def forward(self, x):
        features = self.pretrained.get_intermediate_layers(x.flatten(0, 1), [0, 1], return_class_token=True)
        return torch.relu(self.head(features, x.shape[3] // 14, x.shape[4] // 14, x.shape[1])[0])[None, :, 0]
""",
}

U2NET = {"model/__init__.py": "", "model/u2net.py": """
import torch
class U2NETP(torch.nn.Module):
    def __init__(self, channels, classes):
        super().__init__()
        self.side1 = torch.nn.Conv2d(channels, classes, 3, padding=1)
        self.side2 = torch.nn.Conv2d(channels, classes, 3, padding=1)
    def forward(self, x):
        return torch.sigmoid(3 * self.side1(x)), torch.sigmoid(self.side2(x))
"""}

ISNET = {"IS-Net/models/__init__.py": "", "IS-Net/models/isnet.py": """
import torch
from torchvision import models
class ISNetDIS(torch.nn.Module):
    def __init__(self, channels, classes):
        super().__init__()
        self.side1 = torch.nn.Conv2d(channels, classes, 3, padding=1)
    def forward(self, x):
        return [torch.sigmoid(3 * self.side1(x))], [x]
"""}

RAFT = {
    "core/raft.py": """
import torch
from extractor import SmallEncoder
from utils.utils import coords_grid
class RAFT(torch.nn.Module):
    def __init__(self, args):
        super().__init__()
        self.args = args
        self.fnet = SmallEncoder()
        self.head = torch.nn.Conv2d(8, 2, 3, padding=1)
    def forward(self, image1, image2, iters=12, flow_init=None, upsample=True, test_mode=False):
        a, b = self.fnet(image1 / 255), self.fnet(image2 / 255)
        coords0 = coords_grid(a.shape[0], a.shape[2], a.shape[3], a.device)
        coords1 = coords0
        for _ in range(iters):
            coords1 = coords1 + self.head(torch.cat([a, b], 1)) + 0.1 * (coords1 - coords0)
        flow = coords1 - coords0
        return flow, 8 * torch.nn.functional.interpolate(flow, (8 * flow.shape[2], 8 * flow.shape[3]),
                                                         mode="bilinear", align_corners=True)
""",
    "core/extractor.py": """
import torch
class SmallEncoder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 8, 8)
    def forward(self, x):
        return self.conv(x)
""",
    "core/utils/__init__.py": "",
    "core/utils/utils.py": """
import torch
from scipy import interpolate
def coords_grid(batch, height, width, device):
    y, x = torch.meshgrid(torch.arange(height, device=device), torch.arange(width, device=device), indexing="ij")
    return torch.stack([x, y]).float()[None].repeat(batch, 1, 1, 1)
""",
}

SEA_RAFT = {
    "core/raft.py": """
import torch
from extractor import ResNetFPN
from huggingface_hub import PyTorchModelHubMixin
class RAFT(torch.nn.Module, PyTorchModelHubMixin, repo_url="none", pipeline_tag="none", license="none"):
    def __init__(self, args):
        super().__init__()
        self.args = args
        self.fnet = ResNetFPN(args)
        self.flow_head = torch.nn.Conv2d(2 * args.dim, 6, 3, padding=1)
    def forward(self, image1, image2, iters=None, flow_gt=None, test_mode=False):
        x = self.flow_head(torch.cat([self.fnet(image1 / 255), self.fnet(image2 / 255)], 1))
        x = torch.nn.functional.interpolate(x, image1.shape[2:], mode="bilinear", align_corners=False)
        return {"final": iters * x[:, :2], "flow": [x[:, :2]], "info": [x[:, 2:]], "nf": None}
""",
    "core/extractor.py": """
import torch
class ResNetFPN(torch.nn.Module):
    def __init__(self, args):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, args.dim, 8, 8)
        self._init_weights(args)
    def _init_weights(self, args):
        raise RuntimeError("would download a backbone")
    def forward(self, x):
        return self.conv(x)
""",
}

LAMA = {"saicinpainting/__init__.py": "", "saicinpainting/training/__init__.py": "",
        "saicinpainting/utils.py": "from pytorch_lightning import seed_everything\n",
        "saicinpainting/training/modules/__init__.py": "",
        "saicinpainting/training/modules/ffc.py": """
import torch
from kornia.geometry.transform import rotate
from saicinpainting.utils import seed_everything
class FFCResNetGenerator(torch.nn.Module):
    def __init__(self, inputs, outputs, ngf, n_downsampling, n_blocks, add_out_act, init_conv_kwargs,
                 downsample_conv_kwargs, resnet_conv_kwargs):
        super().__init__()
        assert add_out_act == "sigmoid" and resnet_conv_kwargs["ratio_gin"] == 0.75
        self.first, self.last = torch.nn.Conv2d(inputs, ngf, 3, padding=1), torch.nn.Conv2d(ngf, outputs, 1)
    def forward(self, x):
        waves = torch.fft.rfftn(self.first(x), dim=(-2, -1), norm="ortho")
        x = torch.fft.irfftn(torch.complex(waves.real, 0.5 * waves.imag), s=x.shape[-2:], dim=(-2, -1), norm="ortho")
        return torch.sigmoid(self.last(x))
"""}

COTRACKER = {"cotracker/__init__.py": "", "cotracker/models/__init__.py": "", "cotracker/models/core/__init__.py": "",
             "cotracker/models/core/cotracker/__init__.py": "",
             "cotracker/models/core/model_utils.py": """
import torch
def bilinear_sampler(image, points):
    sizes = image.shape[2:]
    points = points * torch.tensor([2 / max(size - 1, 1) for size in reversed(sizes)], device=points.device)
    return torch.nn.functional.grid_sample(image, points - 1, align_corners=True, padding_mode="border")
""",
             "cotracker/models/core/cotracker/cotracker3_offline.py": """
import torch
from cotracker.models.core.model_utils import bilinear_sampler
class CoTrackerThreeOffline(torch.nn.Module):
    def __init__(self, stride, corr_radius, window_len):
        super().__init__()
        self.stride = stride
        self.fnet = torch.nn.Conv2d(3, 4, 4, 4)
        self.head = torch.nn.Linear(4, 4)
        self.register_buffer("time_emb", torch.linspace(0, 1, window_len).reshape(1, 1, window_len))
    def forward(self, video, queries, iters):
        b, t, c, h, w = video.shape
        n = queries.shape[1]
        maps = self.fnet(video[0] / 255)
        points = queries[:, :, 1:].reshape(1, n, 1, 2).expand(t, n, 1, 2) / self.stride
        x = bilinear_sampler(maps, points)[..., 0].permute(0, 2, 1)
        when = torch.nn.functional.interpolate(self.time_emb, size=t, mode="linear").reshape(t, 1, 1)
        for _ in range(iters):
            x = torch.tanh(self.head(x) + when)
        tracks = queries[:, None, :, 1:] + x[None, ..., :2] * (when[None] - when[None, :1])
        return tracks, torch.sigmoid(4 + x[None, ..., 2]), torch.sigmoid(4 + x[None, ..., 3]), None
"""}


def write(folder, files):
    """Writes such a clone. Returns its path."""
    for name, text in files.items():
        path = pathlib.Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return str(folder)


def run_exporter(module, *options):
    """Runs an exporter's run() as its command line does; what it imported is forgotten. Returns what it printed."""
    arguments, path = sys.argv, list(sys.path)
    del sys.modules[module.__name__]  # as on a command line; the clone's package may have this name
    known = set(sys.modules)
    sys.argv = [f"{module.__name__}.py", *map(str, options)]
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
            module.run()
    finally:
        sys.argv = arguments
        sys.path[:] = path
        for name in set(sys.modules) - known:
            if not name.startswith(("torch.", "numpy.")) or name.split(".")[0] not in known:
                del sys.modules[name]
        sys.modules[module.__name__] = module
    return printed.getvalue()
