# SPDX-License-Identifier: Apache-2.0
"""A depth network with the layout of Depth-Anything-V2: a DINOv2 encoder and a DPT head.

Written from the published description of the two, with the names of the public checkpoints, so that
their weights load strictly and nothing but torch is needed. Kinds:

             width  blocks  heads  taps            head  levels
  vits         384      12      6  2 5 8 11          64  48 96 192 384
  vitb         768      12     12  2 5 8 11         128  96 192 384 768
  vitl        1024      24     16  4 11 17 23       256  256 512 1024 1024
  vitg        1536      40     24  9 19 29 39       384  1536 x 4
"""

import torch
import torch.nn.functional as F
from torch import nn

from common import position_embedding

PATCH = 14
GRID = 37  # patches along a side of the table of position embeddings

KINDS = {
    "vits": dict(width=384, blocks=12, heads=6, taps=(2, 5, 8, 11), head=64,
                 levels=(48, 96, 192, 384)),
    "vitb": dict(width=768, blocks=12, heads=12, taps=(2, 5, 8, 11), head=128,
                 levels=(96, 192, 384, 768)),
    "vitl": dict(width=1024, blocks=24, heads=16, taps=(4, 11, 17, 23), head=256,
                 levels=(256, 512, 1024, 1024)),
    "vitg": dict(width=1536, blocks=40, heads=24, taps=(9, 19, 29, 39), head=384,
                 levels=(1536, 1536, 1536, 1536), gated=True),
}


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).reshape(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        # Written out: LibTorch 1.13 has no operator for the whole.
        weights = (q * (width // self.heads) ** -0.5) @ k.transpose(-2, -1)
        return self.proj((weights.softmax(-1) @ v).transpose(1, 2).reshape(batch, tokens, width))


class Mlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class GatedMlp(nn.Module):
    """SwiGLU of about as many weights, its width a multiple of 8."""

    def __init__(self, width):
        super().__init__()
        hidden = (4 * width * 2 // 3 + 7) // 8 * 8
        self.w12 = nn.Linear(width, 2 * hidden)
        self.w3 = nn.Linear(hidden, width)

    def forward(self, x):
        gate, value = self.w12(x).chunk(2, dim=-1)
        return self.w3(F.silu(gate) * value)


class LayerScale(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * self.gamma


class Block(nn.Module):
    def __init__(self, width, heads, gated):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads)
        self.ls1 = LayerScale(width)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = GatedMlp(width) if gated else Mlp(width)
        self.ls2 = LayerScale(width)

    def forward(self, x):
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))


class PatchEmbed(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.proj = nn.Conv2d(3, width, PATCH, PATCH)

    def forward(self, image):
        return self.proj(image).flatten(2).transpose(1, 2)


class Encoder(nn.Module):
    """DINOv2. Returns the normalised patch tokens after each tapped block."""

    def __init__(self, width, blocks, heads, taps, gated=False):
        super().__init__()
        self.taps = taps
        self.patch_embed = PatchEmbed(width)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, GRID * GRID + 1, width))
        self.mask_token = nn.Parameter(torch.zeros(1, width))  # of the training; in the checkpoints
        self.blocks = nn.ModuleList([Block(width, heads, gated) for _ in range(blocks)])
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, image):
        x = self.patch_embed(image)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), x], dim=1)
        x = x + position_embedding(self.pos_embed, image, PATCH, 0.1)
        tapped = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in self.taps:
                tapped.append(self.norm(x)[:, 1:])
        return tapped


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x):
        return x + self.conv2(F.relu(self.conv1(F.relu(x))))


class Fusion(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.out_conv = nn.Conv2d(width, width, 1)
        self.resConfUnit1 = Residual(width)  # the coarsest level has it too, unused
        self.resConfUnit2 = Residual(width)

    def forward(self, x, skip=None, size=None):
        if skip is not None:
            x = x + self.resConfUnit1(skip)
        x = self.resConfUnit2(x)
        if size is None:
            size = (x.shape[2] * 2, x.shape[3] * 2)
        return self.out_conv(F.interpolate(x, size, mode="bilinear", align_corners=True))


class Head(nn.Module):
    """DPT: tokens of four depths to maps of four scales, fused from coarse to fine."""

    def __init__(self, width, head, levels, metric):
        super().__init__()
        self.projects = nn.ModuleList([nn.Conv2d(width, level, 1) for level in levels])
        self.resize_layers = nn.ModuleList([
            nn.ConvTranspose2d(levels[0], levels[0], 4, 4),
            nn.ConvTranspose2d(levels[1], levels[1], 2, 2),
            nn.Identity(),
            nn.Conv2d(levels[3], levels[3], 3, 2, 1),
        ])
        self.scratch = nn.Module()
        for number, level in enumerate(levels, 1):
            setattr(self.scratch, f"layer{number}_rn", nn.Conv2d(level, head, 3, padding=1, bias=False))
            setattr(self.scratch, f"refinenet{number}", Fusion(head))
        self.scratch.output_conv1 = nn.Conv2d(head, head // 2, 3, padding=1)
        self.scratch.output_conv2 = nn.Sequential(
            nn.Conv2d(head // 2, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 1, 1),
            nn.Sigmoid() if metric else nn.ReLU())

    def forward(self, tokens, rows, columns):
        maps = []
        for number, x in enumerate(tokens):
            x = x.transpose(1, 2).reshape(x.shape[0], x.shape[2], rows, columns)
            x = self.resize_layers[number](self.projects[number](x))
            maps.append(getattr(self.scratch, f"layer{number + 1}_rn")(x))
        x = self.scratch.refinenet4(maps[3], None, maps[2].shape[2:])
        x = self.scratch.refinenet3(x, maps[2], maps[1].shape[2:])
        x = self.scratch.refinenet2(x, maps[1], maps[0].shape[2:])
        x = self.scratch.refinenet1(x, maps[0])
        x = self.scratch.output_conv1(x)
        x = F.interpolate(x, (rows * PATCH, columns * PATCH), mode="bilinear", align_corners=True)
        return self.scratch.output_conv2(x)


class VitDepth(nn.Module):
    """Normalised pictures [B, 3, H, W], sides multiples of 14, to [B, H, W]: disparity, or metres.

    max_depth  None for the relative networks; what the sigmoid of a metric one is multiplied by
    """

    def __init__(self, kind="vits", max_depth=None):
        super().__init__()
        values = KINDS[kind]
        self.max_depth = max_depth
        self.pretrained = Encoder(values["width"], values["blocks"], values["heads"], values["taps"],
                                  values.get("gated", False))
        self.depth_head = Head(values["width"], values["head"], values["levels"], max_depth is not None)

    def features(self, image):
        return self.pretrained(image)

    def decode(self, tokens, rows, columns):
        depth = self.depth_head(tokens, rows, columns).squeeze(1)
        return depth if self.max_depth is None else depth * self.max_depth

    def forward(self, image):
        return self.decode(self.features(image), image.shape[2] // PATCH, image.shape[3] // PATCH)
