#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exports RAFT or SEA-RAFT, which compute optical flow, to a TorchScript file for mdvt.

  python3 raft.py --repo RAFT --checkpoint raft-things.pth --out raft.pt
  python3 raft.py --repo SEA-RAFT --config SEA-RAFT/config/eval/spring-M.json \\
          --checkpoint Tartan-C-T-TSKH-spring540x960-M.pth --out sea-raft.pt

--repo is a clone of https://github.com/princeton-vl/RAFT or of https://github.com/princeton-vl/SEA-RAFT; the
latter with --config. The file is for optical_flow --model.
"""

import argparse
import json
import pathlib

import common  # before torch: it says what to install

import torch
import torch.nn.functional as F

LICENSE = "BSD-3-Clause"
SMALLEST = 128  # the coarsest of four levels at an eighth has two pixels then


class HubMixin:
    """Takes what huggingface_hub's mixin takes in class statements."""

    def __init_subclass__(cls, **_):
        pass


def build(repo, small, config):
    root = common.add_repo(repo, "core/raft.py", "core/extractor.py")
    common.add_repo(root / "core", "raft.py")
    common.shim_missing(scipy={"interpolate": None}, huggingface_hub={"PyTorchModelHubMixin": HubMixin})
    module = common.upstream("raft")
    if config is None:
        if not hasattr(module, "SmallEncoder"):
            raise common.ExportError(f"--repo {repo}: this is SEA-RAFT, which needs --config, a file of its "
                                     "config/eval")
        return module.RAFT(argparse.Namespace(small=small, mixed_precision=False))
    try:
        values = json.loads(pathlib.Path(config).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise common.ExportError(f"--config {config}: {common.one_line(error)}") from error
    network_class = common.upstream("extractor").ResNetFPN
    network_class._init_weights = lambda self, args: None  # it would download a backbone
    return module.RAFT(argparse.Namespace(**values))


class Raft(torch.nn.Module):
    """Two pictures in 0..1 to the flow from the first to the second, [B, 2, H, W]."""

    def __init__(self, network, iterations):
        super().__init__()
        self.network, self.iterations = network, iterations

    def forward(self, a, b):
        return self.network(255 * a, 255 * b, iters=self.iterations, test_mode=True)[1]


class SeaRaft(torch.nn.Module):
    """The same with [B, 1, H, W] that is large where the flow is unsure, and pictures scaled by 2 ** scale."""

    def __init__(self, network, iterations, scale, var_max, var_min):
        super().__init__()
        self.network, self.iterations, self.factor = network, iterations, 2.0 ** scale
        self.var_max, self.var_min = var_max, var_min

    def forward(self, a, b):
        size = a.shape[2:]
        if self.factor != 1:
            a, b = (F.interpolate(x, scale_factor=self.factor, mode="bilinear", align_corners=False) for x in (a, b))
        found = self.network(255 * a, 255 * b, iters=self.iterations, test_mode=True)
        flow, info = found["final"], found["info"][-1]
        weight = info[:, :2].softmax(1)
        scales = torch.cat([info[:, 2:3].clamp(0, self.var_max), info[:, 3:4].clamp(self.var_min, 0)], dim=1)
        unsure = (weight * scales).sum(1, keepdim=True)
        if self.factor != 1:
            flow, unsure = (F.interpolate(x, size=size, mode="bilinear", align_corners=False) for x in (flow, unsure))
            flow = flow / self.factor
        return flow, unsure


def metadata(name, outputs, multiple, smallest, largest, iterations):
    rule = dict(multiple=multiple, round="nearest_even", min=[smallest, smallest], max=list(largest))
    return {
        "kind": "flow", "name": name,
        "inputs": [common.picture(key, "native", resample="bilinear", **rule) for key in "ab"],
        "outputs": [common.output("flow", "flow", unit="px", resample="bilinear")] + outputs,
        "batch": {"dynamic": True, "max": 8}, "fixed": {"iterations": iterations}, "pixel_center": 0,
        "precision": ["fp32"],
    }


def run():
    parser = common.parser(__doc__.split("\n\n")[0])
    common.repo_option(parser, "https://github.com/princeton-vl/RAFT", " or https://github.com/princeton-vl/SEA-RAFT")
    common.weights_options(parser)
    parser.add_argument("--small", action="store_true", help="RAFT: the checkpoint is raft-small.pth")
    parser.add_argument("--config", metavar="FILE", help="SEA-RAFT: config/eval/*.json of the checkpoint")
    parser.add_argument("--iterations", type=int, help="rounds of refinement: 12 for RAFT, else the config's")
    common.size_option(parser, (544, 960), "larger pictures are scaled down to it: memory grows with the square of their "
                       "pixels, 0.3 GB here, 4 GB at 1080 1920", name="max-size")
    args = parser.parse_args()
    network = build(args.repo, args.small, args.config)
    values = vars(network.args)
    iterations = args.iterations or values.get("iters", 12)
    if not 1 <= iterations <= 100:
        raise common.ExportError(f"--iterations {iterations}: must be in [1, 100]")
    common.set_weights(network, args)
    if args.config:
        scale = values.get("scale", 0)
        if scale not in (0, -1):
            raise common.ExportError(f"--config {args.config}: scale {scale}, must be 0 or -1")
        var_max, var_min = (values["var_max"], values["var_min"]) if values.get("use_var") else (0, 0)
        wrapper = SeaRaft(network, iterations, scale, var_max, var_min)
        name, outputs, factor = "sea-raft", [common.output("log_scale", "log_scale", resample="bilinear")], 2 ** -scale
    else:
        wrapper, factor = Raft(network, iterations), 1
        name, outputs = "raft-small" if args.small else "raft", []
    multiple, smallest = 8 * factor, SMALLEST * factor
    largest = common.checked_size("max-size", args.max_size, multiple, smallest, 4096)
    examples = [tuple(common.example((batch, 3, height * factor, width * factor), seed) for seed in (batch, 9))
                for batch, height, width in ((1, 128, 152), (2, 144, 128))]
    upstream = "SEA-RAFT" if args.config else "RAFT"
    common.finish(wrapper, metadata(name, outputs, multiple, smallest, largest, iterations), examples, args,
                  f"https://github.com/princeton-vl/{upstream}", f"raft.py" + (" --config" if args.config else ""),
                  upstream, LICENSE)


if __name__ == "__main__":
    common.main(run)
