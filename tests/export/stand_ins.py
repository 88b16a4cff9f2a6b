# SPDX-License-Identifier: Apache-2.0
"""Small networks under the names of upstream's modules and classes, with the same arguments and results.

An exporter that is given such a folder as --repo does all that it does with a real clone. Whether the real clones
have these names is what nobody can test without them.
"""

import contextlib
import io
import pathlib
import sys

# What several encoders look like.
DINOV2 = """
class Patches(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.proj = torch.nn.Conv2d(3, 8, 14, 14)
    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)
class DinoV2(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.patch_embed = Patches()
        self.cls_token = torch.nn.Parameter(torch.zeros(1, 1, 8))
        self.pos_embed = torch.nn.Parameter(torch.zeros(1, 26, 8))
        self.mix = torch.nn.Linear(8, 8)
    def prepare_tokens_with_masks(self, x):
        raise RuntimeError("the exporter replaces this")
    def get_intermediate_layers(self, x, n, return_class_token):
        tokens = torch.tanh(self.mix(self.prepare_tokens_with_masks(x)))
        return tuple((tokens[:, 1:] * (1 + k), tokens[:, 0]) for k in n)
"""

ATTENTION = """
class Attention(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.proj, self.qkv = torch.nn.Conv2d(3, 8, 14, 14), torch.nn.Linear(8, 24)
    def forward(self, x):
        x = self.proj(x)
        q, k, v = self.qkv(x.flatten(2).transpose(1, 2)).chunk(3, -1)
        y = torch.nn.functional.scaled_dot_product_attention(q, k, v)
        return y.reshape(x.shape[0], x.shape[2], x.shape[3], 8)
"""

VIDEO_DEPTH_ANYTHING = {
    "video_depth_anything/__init__.py": "",
    "video_depth_anything/dpt_temporal.py": """
import torch
class Head(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.project = torch.nn.Conv2d(8, 6, 1)
        self.time = torch.nn.Linear(6, 6)
        self.past = torch.nn.ModuleList(torch.nn.Linear(6, 6) for _ in range(8))
        self.scratch = torch.nn.Module()
        self.scratch.output_conv2 = torch.nn.Sequential(torch.nn.Conv2d(6, 4, 3, padding=1), torch.nn.ReLU(),
                                                        torch.nn.Conv2d(4, 1, 1))
    def forward(self, features, rows, columns, frames, micro_batch_size=4, cached_hidden_state_list=None):
        x = features[-1][0]
        x = self.project(x.permute(0, 2, 1).reshape(x.shape[0], x.shape[-1], rows, columns))
        states = []
        if frames == 1:
            x, states = self.remember(x, cached_hidden_state_list or [None] * 8)
        else:
            mean = self.time(x.mean((2, 3)))
            x = x + (mean.cumsum(0) / frames)[:, :, None, None]
        x = torch.nn.functional.interpolate(x, (int(rows * 14), int(columns * 14)), mode="bilinear",
                                            align_corners=True)
        return self.scratch.output_conv2(x), states
    def remember(self, x, before):
        # Two states for each of four grids, [tokens, 1, 6]; what is seen depends on its place among those before.
        states = []
        for i, grid in enumerate((x, x[:, :, ::2, ::2], x, torch.repeat_interleave(x.repeat_interleave(2, 2), 2, 3))):
            hidden = grid.flatten(2).permute(2, 0, 1)
            for k in (2 * i, 2 * i + 1):
                states.append(hidden)
                seen = hidden if before[k] is None else torch.cat([before[k], hidden], 1)
                places = torch.linspace(0.5, 1, 32)[:seen.shape[1], None]
                hidden = torch.tanh(self.past[k]((seen * places).mean(1, keepdim=True)))
            x = x + hidden.mean(0)[0][None, :, None, None]
        return x, states
""",
    "video_depth_anything/video_depth.py": """
import cv2
import torch
from torchvision.transforms import Compose
from tqdm import tqdm
from .dpt_temporal import Head
""" + DINOV2 + """
class VideoDepthAnything(torch.nn.Module):
    def __init__(self, encoder, features, out_channels, num_frames, metric):
        super().__init__()
        self.encoder = encoder
        self.intermediate_layer_idx = {encoder: [0, 1]}
        self.pretrained = DinoV2()
        self.head = Head()
    def forward(self, x):
        features = self.pretrained.get_intermediate_layers(x.flatten(0, 1), [0, 1], return_class_token=True)
        return torch.relu(self.head(features, x.shape[3] // 14, x.shape[4] // 14, x.shape[1])[0])[None, :, 0]
""",
}

MIDAS_DPT = {
    "timm/__init__.py": "",
    "midas/blocks.py": "",
    "midas/backbones/utils.py": """
import torch
import torch.nn as nn
activations = {}
def keep(module, input, output):
    activations["1"] = output
def forward_adapted_unflatten(pretrained, x, function_name):
    b, c, h, w = x.shape
    exec(f"glob = pretrained.model.{function_name}(x)")
    unflatten = nn.Sequential(nn.Unflatten(2, torch.Size([h // 16, w // 16])))
    return unflatten(pretrained.activations["1"].transpose(1, 2))
""",
    "midas/dpt_depth.py": """
import timm
import torch
import torch.nn as nn
from .backbones.utils import activations, forward_adapted_unflatten, keep
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches, self.block = nn.Conv2d(3, 16, 16, 16), nn.Linear(16, 16)
        self.block.register_forward_hook(keep)
    def forward_flex(self, x):
        x = torch.tanh(self.block(self.patches(x).flatten(2).transpose(1, 2)))
        return x.mean()
class DPTDepthModel(nn.Module):
    def __init__(self, path, backbone, non_negative):
        super().__init__()
        assert path is None and non_negative
        self.pretrained = nn.Module()
        self.pretrained.model, self.pretrained.activations = Model(), activations
        self.scratch = nn.Module()
        self.scratch.output_conv = nn.Sequential(nn.Conv2d(16, 8, 3, 1, 1), nn.Upsample(scale_factor=16, mode="bilinear"),
                                                 nn.Conv2d(8, 4, 3, 1, 1), nn.ReLU(), nn.Conv2d(4, 1, 1), nn.ReLU())
    def forward(self, x):
        return self.scratch.output_conv(forward_adapted_unflatten(self.pretrained, x, "forward_flex")).squeeze(1)
""",
}

NVDS = {"full_model.py": """
import torch
import cv2, attr
from IPython import embed
class Linear(torch.nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.proj = torch.nn.Linear(channels, 256)
    def forward(self, x):
        return self.proj(x.flatten(2).transpose(1, 2))
class Backbone(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.stages = torch.nn.ModuleList([torch.nn.Conv2d(a, b, 3, s, 1) for a, b, s in
                                           ((4, 6, 4), (6, 8, 2), (8, 10, 2), (10, 12, 2))])
    def forward_features(self, x):
        outs = []
        for stage in self.stages:
            x = torch.tanh(stage(x))
            outs.append(x)
        return outs
class Focal(torch.nn.Module):
    def forward(self, x):
        return x + 0.5 * x.mean(1, keepdim=True)
class Fuse(torch.nn.Module):
    def __init__(self, channels, outputs, factor):
        super().__init__()
        self.conv, self.factor = torch.nn.Conv2d(channels, outputs, 1), factor
    def forward(self, low, high):
        low += high
        return torch.nn.functional.interpolate(torch.relu(self.conv(low)), scale_factor=self.factor, mode="bilinear",
                                               align_corners=True)
class Stabilizer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear_c1, self.linear_c2, self.linear_c3, self.linear_c4 = (Linear(c) for c in (6, 8, 10, 12))
        self.linear_fuse = torch.nn.Sequential(torch.nn.Conv2d(1024, 256, 1), torch.nn.ReLU(inplace=True))
        self.decoder_focal = Focal()
        self.ffm2, self.ffm1, self.ffm0 = Fuse(256, 128, 2), Fuse(128, 64, 2), Fuse(64, 32, 1)
        self.AO = torch.nn.Conv2d(32, 1, 1)
    def forward(self, levels, edge, edge1, num_clips):
        size = levels[0].shape[2:]
        maps = [torch.nn.functional.interpolate(
            linear(x).permute(0, 2, 1).reshape(x.shape[0], -1, *x.shape[2:]), size=size, mode="bilinear",
            align_corners=False) for x, linear in zip(levels[::-1], (self.linear_c4, self.linear_c3, self.linear_c2,
                                                                     self.linear_c1))]
        x = self.linear_fuse(torch.cat(maps, 1))
        x = x.reshape(-1, num_clips, *x.shape[1:])
        seen = self.decoder_focal(x)
        return self.AO(self.ffm0(edge, self.ffm1(edge1, self.ffm2(x[:, -1].clone(), seen[:, -1].clone()))))
class NVDS(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone, self.Stabilizer = Backbone(), Stabilizer()
        self.edge_conv = torch.nn.Sequential(torch.nn.Conv2d(3, 64, 3, padding=1), torch.nn.ReLU(inplace=True))
        self.edge_conv1 = torch.nn.Sequential(torch.nn.Conv2d(64, 128, 3, 2, 1), torch.nn.ReLU(inplace=True))
    def forward(self, window, num_clips):
        edge = self.edge_conv(window[:, -1, :3])
        edge1 = self.edge_conv1(edge)
        return torch.relu(self.Stabilizer(self.backbone.forward_features(window[0]), edge, edge1, num_clips))
"""}

# The same interface with the layers of the original, narrower and shallower in the backbone: overlapping patches,
# attention to reduced maps, windows that see pooled references, branches that work in place.
NVDS_SHAPED = {"full_model.py": """
import torch
import torch.nn.functional as F
from torch import nn
import cv2, attr
from IPython import embed
class Mlp(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        self.dwconv = nn.Conv2d(4 * dim, 4 * dim, 3, 1, 1, groups=4 * dim)
    def forward(self, x, rows, columns):
        x = self.fc1(x)
        n, tokens, channels = x.shape
        maps = self.dwconv(x.transpose(1, 2).reshape(n, channels, rows, columns))
        return self.fc2(F.gelu(maps.flatten(2).transpose(1, 2)))
class Attention(nn.Module):
    def __init__(self, dim, heads, reduce):
        super().__init__()
        self.heads, self.reduce = heads, reduce
        self.q, self.kv, self.proj = nn.Linear(dim, dim), nn.Linear(dim, 2 * dim), nn.Linear(dim, dim)
        if reduce > 1:
            self.sr, self.norm = nn.Conv2d(dim, dim, reduce, reduce), nn.LayerNorm(dim)
    def forward(self, x, rows, columns):
        n, tokens, dim = x.shape
        seen = x
        if self.reduce > 1:
            maps = self.sr(x.transpose(1, 2).reshape(n, dim, rows, columns))
            seen = self.norm(maps.flatten(2).transpose(1, 2))
        q = self.q(x).reshape(n, tokens, self.heads, -1).transpose(1, 2)
        k, v = self.kv(seen).reshape(n, -1, 2, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        share = (q @ k.transpose(-2, -1) * (dim // self.heads) ** -0.5).softmax(-1)
        return self.proj((share @ v).transpose(1, 2).reshape(n, tokens, dim))
class Block(nn.Module):
    def __init__(self, dim, heads, reduce):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim, eps=1e-6), nn.LayerNorm(dim, eps=1e-6)
        self.attn, self.mlp = Attention(dim, heads, reduce), Mlp(dim)
    def forward(self, x, rows, columns):
        x = x + self.attn(self.norm1(x), rows, columns)
        return x + self.mlp(self.norm2(x), rows, columns)
class Stage(nn.Module):
    def __init__(self, before, dim, depth, heads, reduce, kernel, stride):
        super().__init__()
        self.proj = nn.Conv2d(before, dim, kernel, stride, kernel // 2)
        self.norm = nn.LayerNorm(dim)
        self.blocks = nn.ModuleList([Block(dim, heads, reduce) for _ in range(depth)])
        self.norm_out = nn.LayerNorm(dim, eps=1e-6)
    def forward(self, x):
        x = self.proj(x)
        n, dim, rows, columns = x.shape
        x = self.norm(x.flatten(2).transpose(1, 2))
        for block in self.blocks:
            x = block(x, rows, columns)
        return self.norm_out(x).reshape(n, rows, columns, dim).permute(0, 3, 1, 2).contiguous()
DIMS = (8, 16, 20, 32)
class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.stages = nn.ModuleList(
            [Stage(*one) for one in zip((4,) + DIMS[:3], DIMS, (1, 1, 2, 1), (1, 2, 5, 8), (8, 4, 2, 1), (7, 3, 3, 3),
                                        (4, 2, 2, 2))])
    def forward_features(self, x):
        outs = []
        for stage in self.stages:
            x = stage(x)
            outs.append(x)
        return outs
class Linear(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.proj = nn.Linear(channels, 256)
    def forward(self, x):
        return self.proj(x.flatten(2).transpose(1, 2))
def windows(x, side=7):
    n, rows, columns, dim = x.shape
    x = x.reshape(n, rows // side, side, columns // side, side, dim).transpose(2, 3)
    return x.reshape(-1, side * side, dim)
class FocalBlock(nn.Module):
    def __init__(self, dim=256, heads=8):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.q, self.kv, self.proj = nn.Linear(dim, dim), nn.Linear(dim, 2 * dim), nn.Linear(dim, dim)
        self.pool = nn.ModuleList([nn.Linear(cells, 1) for cells in (49, 1, 1, 9)])
        self.bias = nn.ParameterList([nn.Parameter(0.02 * torch.randn(heads, 49, keys))
                                      for keys in (49, 132, 25, 49, 25, 9)])
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))
    def cells(self, maps, side, kernel, stride, padding):
        # Cells around each window, and -100 where there are none.
        n, rows, columns, dim = maps.shape
        maps = maps.permute(0, 3, 1, 2)
        found = F.unfold(maps, kernel, stride=stride, padding=padding)
        inside = F.unfold(torch.ones_like(maps[:, :1]), kernel, stride=stride, padding=padding)
        found = found.reshape(n, dim, kernel * kernel, -1).permute(0, 3, 2, 1)
        mask = (inside.transpose(1, 2) == 0).float() * -100
        return found.reshape(-1, kernel * kernel, dim), mask.reshape(-1, 1, 1, kernel * kernel)
    def forward(self, x):
        n, frames, dim, rows, columns = x.shape
        kept = x[:, :-1]
        target = x[:, -1].permute(0, 2, 3, 1)
        normed = self.norm1(x.permute(0, 1, 3, 4, 2))
        normed = F.pad(normed, (0, 0, 0, -columns % 7, 0, -rows % 7))
        old, middle, new, now = normed.unbind(1)
        high, wide = now.shape[1] // 7, now.shape[2] // 7
        keys, masks = [windows(now)], [None]
        rolled = []
        for down, right in ((-3, -3), (-3, 3), (3, -3), (3, 3)):
            outside = torch.ones(7, 7)
            outside[(slice(None, -3) if down < 0 else slice(3, None)),
                    (slice(None, -3) if right < 0 else slice(3, None))] = 0
            pieces = windows(torch.roll(now, (down, right), (1, 2)))
            rolled.append(pieces[:, outside.flatten().nonzero().flatten()])
        keys.append(torch.cat(rolled, 1))
        masks.append(None)
        pooled = self.pool[0](windows(now).transpose(1, 2)).reshape(n, high, wide, dim)
        def resized(maps, side):
            small = F.interpolate(maps.permute(0, 3, 1, 2), size=(side * high, side * wide), mode="bilinear",
                                  align_corners=False)
            return small.permute(0, 2, 3, 1)
        middle = self.pool[2](resized(middle, 4)[..., None])[..., 0]
        new = resized(new, 6).reshape(n, 2 * high, 3, 2 * wide, 3, dim).permute(0, 1, 3, 5, 2, 4)
        new = self.pool[3](new.reshape(n, 2 * high, 2 * wide, dim, 9))[..., 0]
        for maps, kernel, stride, padding in ((pooled, 5, 1, 2), (self.pool[1](old[..., None])[..., 0], 7, 7, 0),
                                              (middle, 5, 4, 2), (new, 3, 2, 1)):
            found, mask = self.cells(maps, 7, kernel, stride, padding)
            keys.append(found)
            masks.append(mask)
        q = self.q(windows(now)).reshape(-1, 49, self.heads, dim // self.heads).transpose(1, 2)
        scores, values = [], []
        for seen, mask, bias in zip(keys, masks, self.bias):
            k, v = self.kv(seen).reshape(seen.shape[0], seen.shape[1], 2, self.heads, -1).permute(2, 0, 3, 1, 4)
            score = q @ k.transpose(-2, -1) * (dim // self.heads) ** -0.5 + bias
            scores.append(score if mask is None else score + mask)
            values.append(v)
        share = torch.cat(scores, -1).softmax(-1)
        assert share.shape[-1] == 289
        out = self.proj((share @ torch.cat(values, 2)).transpose(1, 2).reshape(-1, 49, dim))
        out = out.reshape(n, high, wide, 7, 7, dim).transpose(2, 3).reshape(n, 7 * high, 7 * wide, dim)
        target = target + out[:, :rows, :columns]
        target = target + self.mlp(self.norm2(target))
        return torch.cat([kept, target.permute(0, 3, 1, 2)[:, None]], 1)
class Focal(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([FocalBlock() for _ in range(2)])
    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x
class FTB(nn.Module):
    def __init__(self, before, dim):
        super().__init__()
        self.conv1 = nn.Conv2d(before, dim, 3, 1, 1)
        self.branch = nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(dim, dim, 3, 1, 1), nn.ReLU(inplace=True),
                                    nn.Conv2d(dim, dim, 3, 1, 1))
    def forward(self, x):
        x = self.conv1(x)
        return F.relu(x + self.branch(x))  # the branch changes x first
class FFM(nn.Module):
    def __init__(self, channels, outputs, factor):
        super().__init__()
        self.ftb1, self.ftb2, self.factor = FTB(channels, channels), FTB(channels, outputs), factor
    def forward(self, low, high):
        x = self.ftb2(self.ftb1(low) + high)
        if self.factor == 1:
            return x
        return F.interpolate(x, scale_factor=self.factor, mode="bilinear", align_corners=True)
class Stabilizer(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear_c1, self.linear_c2, self.linear_c3, self.linear_c4 = (Linear(c) for c in DIMS)
        self.linear_fuse = nn.Sequential(nn.Conv2d(1024, 256, 1, bias=False), nn.ReLU(inplace=True))
        self.decoder_focal = Focal()
        self.ffm2, self.ffm1, self.ffm0 = FFM(256, 128, 2), FFM(128, 64, 2), FFM(64, 32, 1)
        self.AO = nn.Sequential(nn.Conv2d(32, 16, 3, 1, 1), nn.ReLU(inplace=True), nn.Conv2d(16, 1, 1))
    def forward(self, levels, edge, edge1, num_clips):
        size = levels[0].shape[2:]
        maps = [F.interpolate(linear(x).permute(0, 2, 1).reshape(x.shape[0], -1, *x.shape[2:]), size=size,
                              mode="bilinear", align_corners=False)
                for x, linear in zip(levels[::-1], (self.linear_c4, self.linear_c3, self.linear_c2, self.linear_c1))]
        x = self.linear_fuse(torch.cat(maps, 1))
        x = x.reshape(-1, num_clips, *x.shape[1:])
        seen = self.decoder_focal(x)
        return self.AO(self.ffm0(edge, self.ffm1(edge1, self.ffm2(x[:, -1], seen[:, -1]))))
class NVDS(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone, self.Stabilizer = Backbone(), Stabilizer()
        self.edge_conv = nn.Sequential(nn.Conv2d(3, 64, 3, padding=1), nn.ReLU(inplace=True))
        self.edge_conv1 = nn.Sequential(nn.Conv2d(64, 128, 3, 2, 1), nn.ReLU(inplace=True))
    def forward(self, window, num_clips):
        edge = self.edge_conv(window[:, -1, :3])
        edge1 = self.edge_conv1(edge)
        return torch.relu(self.Stabilizer(self.backbone.forward_features(window[0]), edge, edge1, num_clips))
"""}

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

TAPIR = {
    "einshape/__init__.py": "", "einshape/src/__init__.py": "", "einshape/src/abstract_ops.py": "",  # a package
    "tapnet/__init__.py": "raise RuntimeError('not to be imported')\n",
    "tapnet/torch/__init__.py": "",
    "tapnet/torch/nets.py": """
from torch import nn
class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 8, 8)
        self.norm = nn.LayerNorm(normalized_shape=6, elementwise_affine=True, bias=False)
    def forward(self, x):
        return self.norm(self.conv(x).permute(0, 2, 3, 1))
""",
    "tapnet/torch/utils.py": """
import numpy as np
import torch
from einshape.src import abstract_ops
def map_coordinates_3d(feats, coordinates):
    raise RuntimeError("the exporter replaces this")
def scaled(coords, before, after):
    return coords * torch.tensor(after, device=coords.device) / torch.tensor(before, device=coords.device)
def generate_default_resolutions(full_size, train_size):
    if tuple(full_size) == tuple(train_size):
        return [train_size]
    return [train_size, (np.array(full_size) // 8) * 8]
""",
    "tapnet/torch/tapir_model.py": """
import torch
import tree
from tapnet.torch import nets
from tapnet.torch import utils
class TAPIR(torch.nn.Module):
    def __init__(self, initial_resolution, feature_extractor_chunk_size, pyramid_level, extra_convs):
        super().__init__()
        assert feature_extractor_chunk_size == 0
        self.initial_resolution = initial_resolution
        self.encoder = nets.Encoder()
        self.head = torch.nn.Linear(6 + 6 * pyramid_level, 4)
        self.wide = pyramid_level > 0
    def forward(self, video, query_points, query_chunk_size, refinement_resolutions):
        b, t, h, w, c = video.shape
        n = query_points.shape[1]
        order = torch.randperm(n)
        tracks = query_points[:, order][..., [2, 1]][:, :, None].repeat(1, 1, t, 1)
        for height, width in refinement_resolutions:
            small = torch.nn.functional.interpolate(video[0].permute(0, 3, 1, 2), (height, width), mode="bilinear")
            grid = self.encoder(small)[None]
            points = utils.scaled(query_points[:, order], (t, h, w), grid.shape[1:4])
            seen = utils.map_coordinates_3d(grid, points)
            x = seen[:, :, None] * grid.mean((2, 3))[:, None]
            if self.wide:
                x = torch.concatenate([x, x.cumsum(2)], -1)
            x = self.head(x)
            tracks = tracks + utils.scaled(x[..., :2], (width, height), (w, h))
        back = torch.zeros_like(order)
        back[order] = torch.arange(n)
        return {"tracks": tracks[:, back], "occlusion": x[..., 2][:, back] - 4, "expected_dist": x[..., 3][:, back] - 4}
""",
}

PROMPT_DA = {"promptda/model/dpt.py": """
import torch
class DPTHead(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.project, self.prompt = torch.nn.Conv2d(8, 6, 1), torch.nn.Conv2d(1, 6, 3, padding=1)
        self.out = torch.nn.Conv2d(6, 1, 3, padding=1)
    def forward(self, features, rows, columns, prompt_depth):
        assert tuple(prompt_depth.shape[2:]) == (192, 256)
        x = features[-1][0]
        x = self.project(x.permute(0, 2, 1).reshape(x.shape[0], x.shape[-1], rows, columns))
        x = torch.nn.functional.interpolate(x, (int(rows * 14), int(columns * 14)), mode="bilinear", align_corners=True)
        prompt = torch.nn.functional.interpolate(prompt_depth, x.shape[2:], mode="bilinear")
        return torch.sigmoid(4 * prompt - 2 + 0.3 * self.out(torch.tanh(x + self.prompt(prompt))))
""", "promptda/promptda.py": """
import torch
from termcolor import colored
from huggingface_hub import hf_hub_download
from promptda.model.dpt import DPTHead
""" + DINOV2 + """
class PromptDA(torch.nn.Module):
    def __init__(self, encoder, ckpt_path):
        super().__init__()
        self.model_config = {"layer_idxs": [0, 1]}
        self.pretrained, self.depth_head = DinoV2(), DPTHead()
        self.register_buffer("_mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("_std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
        self.load_checkpoint(ckpt_path)
    def load_checkpoint(self, path):
        raise RuntimeError("the exporter reads weights itself")
    def forward(self, x, prompt_depth):
        low, high = prompt_depth.amin((1, 2, 3), keepdim=True), prompt_depth.amax((1, 2, 3), keepdim=True)
        features = self.pretrained.get_intermediate_layers((x - self._mean) / self._std, [0, 1],
                                                           return_class_token=True)
        depth = self.depth_head(features, x.shape[2] // 14, x.shape[3] // 14, (prompt_depth - low) / (high - low))
        return depth * (high - low) + low
"""}

UNIDEPTH = {
    "configs/config_v2_vits14.json": '{"training": {}, "model": {"pixel_encoder": {}}}',
    "unidepth/models/backbones/dinov2.py": "def _make_dinov2_model(): pass\n",
    "unidepth/models/encoder.py": "from unidepth.models.backbones import ConvNeXt, ConvNeXtV2, _make_dinov2_model\n",
    "unidepth/models/unidepthv2/unidepthv2.py": """
import torch
import torchvision.transforms.v2.functional as TF
from huggingface_hub import PyTorchModelHubMixin
import unidepth.models.encoder
@torch.jit.script
def of_the_training(size: list):
    return max(size)
class Decoder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.out = torch.nn.Linear(8, 1)
    def forward(self, inputs, image_metas):
        image, (features,) = inputs["image"], inputs["features"]
        b, _, h, w = image.shape
        x = torch.nn.functional.interpolate(self.out(features).permute(0, 3, 1, 2), (h, w), mode="bilinear")
        rays = inputs.get("rays")
        if rays is None:
            rays = torch.nn.functional.normalize(torch.ones_like(image) + 0.1 * image, dim=1)
        intrinsics = torch.diag_embed(torch.ones_like(image[:, :, 0, 0]))
        return {"rays": rays.flatten(2).transpose(1, 2), "radius": torch.exp(x + 2), "intrinsics": intrinsics}
""" + ATTENTION + """
class Encoder(Attention):
    def forward(self, x):
        y = super().forward(x)
        return [y, 2 * y], [y[:, :1, 0], y[:, 1:2, 0]]
class UniDepthV2(torch.nn.Module, PyTorchModelHubMixin, library_name="none", repo_url="none", tags=[]):
    def __init__(self, config):
        super().__init__()
        assert config["training"]["export"]
        self.build_losses(config)
        self.pixel_encoder, self.pixel_decoder = Encoder(), Decoder()
        self.slices_encoder_range = [(0, 2)]
        self.stacking_fn = lambda parts: torch.stack(parts).mean(0)
""",
}

DEPTH_PRO = {
    "src/depth_pro/__init__.py": "raise RuntimeError('needs pillow_heif')\n",
    "src/depth_pro/network/__init__.py": "",
    "src/depth_pro/network/vit_factory.py": """
import dataclasses
@dataclasses.dataclass
class ViTConfig:
    embed_dim: int = 1024
    timm_preset: str = "vit_large_patch14_dinov2"
    encoder_feature_layer_ids: list = None
    encoder_feature_dims: list = None
VIT_CONFIG_DICT = {"dinov2l16_384": ViTConfig()}
""",
    "src/depth_pro/depth_pro.py": """
import dataclasses
import torch
from torchvision.transforms import Compose, ConvertImageDtype, Lambda, Normalize, ToTensor
from .network.vit_factory import VIT_CONFIG_DICT
@dataclasses.dataclass
class DepthProConfig:
    patch_encoder_preset: str = "dinov2l16_384"
    decoder_features: int = 256
    checkpoint_uri: str = "./checkpoints/depth_pro.pt"
DEFAULT_MONODEPTH_CONFIG_DICT = DepthProConfig()
class Encoder(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.patches, self.mix = torch.nn.Conv2d(3, width, 96, 96), torch.nn.Conv2d(width, width, 3, padding=1)
        self.patches.register_forward_hook(self._hook0)
        self.mix.register_forward_hook(self._hook1)
    def _hook0(self, model, input, output):
        self.backbone_highres_hook0 = output
    def _hook1(self, model, input, output):
        self.backbone_highres_hook1 = output
    def forward(self, x):
        return torch.tanh(self.mix(self.patches(x))) + self.backbone_highres_hook0 + self.backbone_highres_hook1
class Fov(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.head = torch.nn.Sequential(torch.nn.Conv2d(width, 4, 4, 4), torch.nn.ReLU(), torch.nn.Conv2d(4, 1, 4))
    def forward(self, x):
        return self.head(x)
class DepthPro(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.encoder, self.fov = Encoder(width), Fov(width)
        self.head = torch.nn.Sequential(torch.nn.Conv2d(width, 8, 3, padding=1), torch.nn.Upsample(scale_factor=96),
                                        torch.nn.Conv2d(8, 4, 1), torch.nn.ReLU(), torch.nn.Conv2d(4, 1, 1),
                                        torch.nn.ReLU())
    def forward(self, x):
        assert x.shape[2] == x.shape[3] == 1536
        features = self.encoder(x)
        return self.head(features), self.fov(features)
def create_model_and_transforms(config):
    assert config.checkpoint_uri is None
    Compose([ToTensor(), Lambda(lambda x: x), Normalize([0.5], [0.5]), ConvertImageDtype(torch.float32)])
    model = DepthPro(VIT_CONFIG_DICT[config.patch_encoder_preset].embed_dim // 48)
    return model, None
""",
}

MOGE = {
    "configs/train/v2.json": """{"model": {
 "encoder": {"backbone": "dinov2_vits14", "intermediate_layers": [0, 1], "dim_out": 6},
 "neck": {"dim_in": [8, 2, 2, 2, 2], "dims": [6, 6, 5, 5, 4], "dim_out": null},
 "points_head": {"dim_in": [6, 6, 5, 5, 4], "dims": [6, 5, 5, 4, 4], "dim_out": 3},
 "mask_head": {"dim_in": [6, 6, 5, 5, 4], "dims": [6, 5, 5, 4, 4], "dim_out": 1},
 "normal_head": {"dim_in": [6, 6, 5, 5, 4], "dims": [6, 5, 5, 4, 4], "dim_out": 3},
 "scale_head": {"dims": [8, 1]}, "remap_output": "exp", "num_tokens_range": [12, 48]}}""",
    "moge/__init__.py": "raise RuntimeError('not to be imported')\n",
    "moge/model/v2.py": """
import torch
import utils3d
from huggingface_hub import hf_hub_download
from ..utils.geometry_torch import recover_focal_shift
""" + DINOV2 + """
class Backbone(DinoV2):
    num_register_tokens, interpolate_antialias, interpolate_offset = 0, False, 0.1
class Encoder(torch.nn.Module):
    def __init__(self, backbone, intermediate_layers, dim_out):
        super().__init__()
        self.backbone_name, self.intermediate_layers, self.backbone = backbone, intermediate_layers, Backbone()
        self.output_projections = torch.nn.ModuleList(torch.nn.Conv2d(8, dim_out, 1) for _ in intermediate_layers)
class ConvStack(torch.nn.Module):
    def __init__(self, dim_in, dims, dim_out):
        super().__init__()
        last = torch.nn.Identity() if dim_out is None else torch.nn.Conv2d(dims[-1], dim_out, 1)
        self.input_blocks = torch.nn.ModuleList(torch.nn.Conv2d(a, b, 1) for a, b in zip(dim_in, dims))
        self.resamplers = torch.nn.ModuleList(torch.nn.Sequential(torch.nn.Upsample(scale_factor=2), torch.nn.Conv2d(
            a, b, 3, padding=1, padding_mode="replicate")) for a, b in zip(dims, dims[1:]))
        self.output_blocks = torch.nn.ModuleList([torch.nn.Identity() for _ in dims[1:]] + [last])
    def forward(self, levels):
        out, x = [], 0
        for i, level in enumerate(levels):
            x = x + self.input_blocks[i](level)
            out.append(self.output_blocks[i](x))
            x = self.resamplers[i](x) if i < 4 else x
        return out
class MoGeModel(torch.nn.Module):
    def __init__(self, encoder, neck, points_head, mask_head=None, normal_head=None, scale_head=None,
                 remap_output="linear", num_tokens_range=(1200, 3600)):
        super().__init__()
        assert remap_output == "exp"
        self.encoder, self.neck = Encoder(**encoder), ConvStack(**neck)
        self.points_head, self.mask_head = ConvStack(**points_head), ConvStack(**mask_head)
        if normal_head is not None:
            self.normal_head = ConvStack(**normal_head)
        self.scale_head = torch.nn.Sequential(torch.nn.Linear(*scale_head["dims"]))
    def _remap_points(self, points):
        xy, z = points.split([2, 1], dim=-1)
        return torch.cat([xy * torch.exp(z), torch.exp(z)], dim=-1)
""",
    "moge/utils/geometry_torch.py": "import utils3d\nfrom scipy.signal import fftconvolve\nrecover_focal_shift = None\n",
}

UNIK3D = {
    "configs/eval/vits.json": '{"model": {"pixel_encoder": {"pretrained": ""}}}',
    "unik3d/__init__.py": "raise RuntimeError('not to be imported')\n",
    "unik3d/models/backbones/dinov2.py": "def _make_dinov2_model(): pass\n",
    "unik3d/models/encoder.py": """
from timm.models.vision_transformer import _cfg
from unik3d.models.backbones import ConvNeXt, ConvNeXtV2, SwinTransformerV2, _make_dinov2_model
""",
    "unik3d/models/unik3d.py": """
import torch
import torchvision.transforms.v2.functional as TF
from huggingface_hub import PyTorchModelHubMixin
import unik3d.models.encoder
class Choker(torch.nn.Module):
    def forward(self, x):
        return Gradient.apply(x)
class Gradient(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        return x
class Decoder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.choker, self.out = Choker(), torch.nn.Linear(8, 1)
    def forward(self, features, rays):
        x = self.out(self.choker(features)).permute(0, 3, 1, 2)
        return torch.exp(torch.nn.functional.interpolate(x, rays.shape[2:], mode="bilinear")) * (1 + 0.1 * rays[:, :1])
""" + ATTENTION + """
class UniK3D(torch.nn.Module, PyTorchModelHubMixin, library_name="none", repo_url="none", tags=[]):
    def __init__(self, config):
        super().__init__()
        assert config["model"]["pixel_encoder"]["pretrained"] is None
        self.build_losses(config)
        self.pixel_encoder, self.pixel_decoder = Attention(), Decoder()
    def encode_decode(self, inputs, image_metas=[]):
        b, _, h, w = inputs["image"].shape
        features = self.pixel_encoder(inputs["image"])
        rays = inputs.get("rays")
        if rays is None:  # of a focal length of 0.8 widths
            x = (torch.arange(w) + 0.5 - w / 2)[None].expand(h, w)
            y = (torch.arange(h) + 0.5 - h / 2)[:, None].expand(h, w)
            rays = torch.nn.functional.normalize(torch.stack([x, y, 0.8 * w + 0 * x]), dim=0)[None].repeat(b, 1, 1, 1)
        points = rays * self.pixel_decoder(features, rays)
        return inputs, {"rays": rays, "points": points, "depth": points[:, -1:]}
""",
}

DEPTH_ANYTHING_3 = {
    "src/depth_anything_3/__init__.py": "raise RuntimeError('not to be imported')\n",
    "src/depth_anything_3/model/__init__.py": "raise RuntimeError('not to be imported')\n",
    "src/depth_anything_3/model/utils/head_utils.py": """
from torch import nn
def custom_interpolate(x, factor):
    return nn.functional.interpolate(x, (int(x.shape[-2] * factor), int(x.shape[-1] * factor)), mode="bilinear")
""",
    "src/depth_anything_3/model/dinov2/dinov2.py": """
import torch
class Vit(torch.nn.Module):
    interpolate_offset = 0.1
    def __init__(self):
        super().__init__()
        self.proj = torch.nn.Conv2d(3, 8, 14, 14)
        self.cls_token = torch.nn.Parameter(torch.zeros(1, 1, 8))
        self.pos_embed = torch.nn.Parameter(torch.zeros(1, 26, 8))
    def patch_embed(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)
class DinoV2(torch.nn.Module):
    def __init__(self, name, out_layers, alt_start, qknorm_start, rope_start, cat_token):
        super().__init__()
        self.pretrained = Vit()
    def forward(self, views):
        tokens = self.pretrained.prepare_tokens_with_masks(views)
        return [(tokens[:, :, 1:], tokens[:, :, 0])], []
""",
    "src/depth_anything_3/model/dpt.py": """
import torch
from addict import Dict
from depth_anything_3.model.utils.head_utils import custom_interpolate
class DPT(torch.nn.Module):
    def __init__(self, dim_in, output_dim, features, out_channels):
        super().__init__()
        self.depth, self.sky_layer = torch.nn.Conv2d(8, 1, 1), torch.nn.Conv2d(8, 1, 1)
    def forward(self, features, height, width, patch_start_idx):
        x = features[0][0][:, 0].permute(0, 2, 1).reshape(-1, 8, height // 14, width // 14)
        x = custom_interpolate(x, 14.0)
        return Dict(depth=torch.exp(self.depth(x)), sky=torch.relu(self.sky_layer(x)))
""",
}

# In place of the Python packages; configurations of the three networks are in their folders.
DIFFUSERS = {
    "diffusers/__init__.py": """
import json, pathlib
import torch
class Loads(torch.nn.Module):
    @staticmethod
    def load_config(folder):
        return json.loads((pathlib.Path(folder) / "config.json").read_text())
    @classmethod
    def from_config(cls, config):
        return cls(config)
class Decoder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.up = torch.nn.ConvTranspose2d(4, 3, 8, 8)
    def forward(self, x, image_only_indicator, num_frames):
        assert image_only_indicator.shape[0] == 1
        frames = torch.tanh(self.up(x)).reshape(1, num_frames, 3, 8 * x.shape[2], 8 * x.shape[3])
        return (frames + 0.1 * frames.mean(1, keepdim=True)).flatten(0, 1)
class AutoencoderKLTemporalDecoder(Loads):
    def __init__(self, config):
        super().__init__()
        self.encoder, self.quant_conv = torch.nn.Conv2d(3, 8, 8, 8), torch.nn.Conv2d(8, 8, 1)
        self.decoder = Decoder()
class UNetSpatioTemporalConditionModel(Loads):
    def __init__(self, config):
        super().__init__()
        self.config = type("Config", (), config)
        self.conv, self.cross = torch.nn.Conv3d(config["in_channels"], 4, 3, padding=1), torch.nn.Linear(16, 4)
    def set_attn_processor(self, processor):
        self.processor = processor
    def forward(self, sample, timestep, embedding, time_ids, return_dict):
        x = self.conv(sample.transpose(1, 2)).transpose(1, 2)
        return (x + self.cross(embedding)[..., None, None] + 0.01 * (timestep + time_ids.sum()),)
""",
    "diffusers/models/__init__.py": "",
    "diffusers/models/attention_processor.py": "class AttnProcessor2_0: pass\n",
    "transformers/__init__.py": """
import json, pathlib
import torch
class Config:
    def __init__(self, values):
        self.projection_dim = values["projection_dim"]
    @classmethod
    def from_pretrained(cls, folder):
        return cls(json.loads((pathlib.Path(folder) / "config.json").read_text()))
class CLIPVisionModelWithProjection(torch.nn.Module):
    config_class = Config
    def __init__(self, config):
        super().__init__()
        self.config, self.proj = config, torch.nn.Linear(3 * 7 * 7, config.projection_dim)
    def forward(self, image, return_dict):
        return (self.proj(torch.nn.functional.avg_pool2d(image, 32).flatten(1)), None)
""",
    "svd/vae/config.json": "{}", "svd/image_encoder/config.json": '{"projection_dim": 16}',
    "unet/unet_diffusers/config.json": '{"in_channels": 9}',
}

# Notes which of its arguments the network looks at: each has a place of its own in the result.
M2SVID = {
    "sgm/__init__.py": "", "sgm/modules/__init__.py": "", "sgm/modules/autoencoding/__init__.py": "",
    "sgm/modules/autoencoding/lpips/__init__.py": "", "sgm/modules/autoencoding/lpips/loss/__init__.py": "",
    "sgm/modules/autoencoding/lpips/loss/lpips.py": """
class LPIPS:
    def __init__(self):
        raise RuntimeError("the exporter replaces this")
""",
    "sgm/modules/diffusionmodules/__init__.py": "",
    "sgm/modules/diffusionmodules/model.py": """
import re
import torch
class version:
    parse = staticmethod(lambda text: [int(number) for number in re.findall("[0-9]+", text)])
def make_attn():
    assert not version.parse(torch.__version__) < version.parse("2.0.0"), "no vanilla attention before torch 2"
""",
    "sgm/modules/attention.py": """
import torch
import torch.nn.functional as F
SDP_IS_AVAILABLE, BACKEND_MAP = False, {}
class CrossAttention(torch.nn.Module):
    def __init__(self, size, heads):
        super().__init__()
        self.heads = heads
        self.to_q, self.to_k, self.to_v, self.to_out = (torch.nn.Linear(size, size) for _ in range(4))
    def forward(self, x, context=None, mask=None, additional_tokens=None):
        def heads(t):
            return t.reshape(int(t.shape[0]), int(t.shape[1]), self.heads, -1).transpose(1, 2)
        context = x if context is None else context
        out = F.scaled_dot_product_attention(heads(self.to_q(x)), heads(self.to_k(context)), heads(self.to_v(context)))
        return self.to_out(out.transpose(1, 2).flatten(2))
class Block(torch.nn.Module):
    def __init__(self, size, heads):
        super().__init__()
        assert SDP_IS_AVAILABLE
        self.attn1, self.attn2 = CrossAttention(size, heads), CrossAttention(size, heads)
    def forward(self, x, context=None, context_instead_of_self_attn=None, use_reentrant=None):
        x = self.attn1(x, context=context_instead_of_self_attn, additional_tokens=None) + x
        return self.attn2(x, context=context, additional_tokens=None) + x
""",
    "sgm/modules/video_attention.py": """
import torch
from sgm.modules.attention import Block
def selected_attn(block, mask, x, output, context, most, temporal=False):
    count = mask.sum(dim=1).max().item()
    padded = torch.zeros(x.shape[0], count, x.shape[2])
    for i in range(x.shape[0]):
        padded[i] = x[i, mask[i]]
    done = block(padded, context=context, context_instead_of_self_attn=x, use_reentrant=False)
    for i in range(x.shape[0]):
        output[i, mask[i]] = done[i]
    return output
class Transformer(torch.nn.Module):
    def __init__(self, size, heads):
        super().__init__()
        self.block = Block(size, heads)
    def forward(self, x, mask, context, frames):
        single = x.reshape(frames, x.shape[1] // frames, x.shape[2])
        output = self.block(single, context=context.expand(frames, -1, -1)).reshape(x.shape)
        return selected_attn(self.block, mask, x, output, context, 10**20) if mask.sum().item() > 0 else output
upstreams = selected_attn
""",
    "open_clip.py": """
import torch
def create_model_and_transforms(name, device, pretrained=None):
    assert pretrained is None, "the weights are not there"
    return torch.nn.Linear(3, 8).to(device), None, None
""",
    "sgm/util.py": """
import importlib
def instantiate_from_config(config):
    module, name = config["target"].rsplit(".", 1)
    return getattr(importlib.import_module(module), name)(**config.get("params", {}))
""",
    "m2svid/__init__.py": "", "m2svid/models_for_sgm/__init__.py": "",
    "m2svid/models_for_sgm/m2svid_model.py": """
import open_clip
import pytorch_lightning as pl
import torch
from pytorch_msssim import ms_ssim
from sgm.modules.diffusionmodules.model import make_attn
from sgm.modules.video_attention import Transformer
from sgm.modules.autoencoding.lpips.loss.lpips import LPIPS
from sgm.util import instantiate_from_config
class VideoLDM(pl.LightningModule):
    def __init__(self, num_samples, attention, use_checkpoint, sampler_config, loss_fn_config):
        super().__init__()
        assert attention == ["softmax"] and not use_checkpoint
        make_attn()
        self.num_samples, self.loss = num_samples, instantiate_from_config(loss_fn_config)
        self.sampling_device = sampler_config["params"].get("device", "cuda")
        self.clip = open_clip.create_model_and_transforms("ViT", device="cpu", pretrained="ckpts/weights.bin")[0]
        self.metric = {"lpips": LPIPS().eval()}
        self.net = torch.nn.Conv3d(7, 8, 3, padding=1)
        self.transformer = Transformer(8, 2)
        self.up = torch.nn.ConvTranspose2d(8, 3, 8, 8)
    @torch.no_grad()
    def generate(self, batch):
        n, _, t, h, w = batch["video"].shape
        assert t <= self.num_samples and batch["caption"] == [""]
        noise = torch.full((n,), 0.02).cuda().half()
        eye = (batch["reprojected_video"] + noise * torch.randn_like(batch["reprojected_video"])).half()
        clip = batch["video_2nd_view"].half()
        small = [torch.nn.functional.avg_pool3d(x, (1, 8, 8)) for x in (eye, clip)]
        x = self.net(torch.cat([*small, batch["reprojected_mask"]], dim=1))
        x = x + torch.randn(x.shape, device=self.device) + 0.001 * (batch["fps_id"] + batch["motion_bucket_id"])
        x = x + torch.zeros(1, device=self.sampling_device)
        context = self.clip(clip.mean(dim=(2, 3, 4))).unsqueeze(1)
        x = self.transformer(x.flatten(2).transpose(1, 2), (batch["reprojected_mask"] > 0).flatten(1), context, t)
        x = x.transpose(1, 2).reshape(n, 8, t, h // 8, w // 8)
        x = torch.tanh(self.up(x.transpose(1, 2).flatten(0, 1)))
        return {"generated-video": x.reshape(n, t, 3, h, w).transpose(1, 2), "gt-video": batch["video"]}
""",
    "configs/m2svid.yaml": """
model:
  target: m2svid.models_for_sgm.m2svid_model.VideoLDM
  params:
    num_samples: 35
    attention: [softmax-xformers]
    use_checkpoint: true
    sampler_config: {target: nowhere.Sampler}
    loss_fn_config: {target: nowhere.Loss}
""",
}


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
