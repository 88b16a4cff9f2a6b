#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every toy module, loaded from its file, against its formula at sizes that it was not exported with."""

import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from exporters import EXPORT, ROOT, skip_without_torch

skip_without_torch()

import torch

import common
import depth_anything_v2
import toy


def luminance(picture):
    return 0.299 * picture[..., 0, :, :] + 0.587 * picture[..., 1, :, :] + 0.114 * picture[..., 2, :, :]


class CommandLines(unittest.TestCase):
    def test_tell_how_far_they_are_and_report_apart_from_that(self):
        with tempfile.TemporaryDirectory() as folder:
            run = subprocess.run([sys.executable, "-B", EXPORT / "toy.py", "--kind", "depth_luminance", "--out",
                                  pathlib.Path(folder) / "toy.pt"], capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        steps = run.stderr.splitlines()
        for part in ("running the original", "writing", "loaded, example 1 of", "frozen, example 1 of"):
            self.assertTrue(any(part in line for line in steps), run.stderr)
        self.assertTrue(all(line.startswith("toy.py: ") and line.endswith(" ...") for line in steps))
        self.assertNotIn(" ...", run.stdout)
        self.assertIn("sha256", run.stdout)

    def test_say_what_to_install(self):
        with tempfile.TemporaryDirectory() as folder:
            for missing in ("torch", "numpy"):
                blocked = pathlib.Path(folder) / missing
                blocked.mkdir()
                (blocked / f"{missing}.py").write_text(
                    f"raise ModuleNotFoundError('none', name='{missing}')\n")
                for name in ("toy", "midas", "depth_anything_v2"):
                    run = subprocess.run([sys.executable, "-B", EXPORT / f"{name}.py", "--help"],
                                         capture_output=True, text=True,
                                         env={**os.environ, "PYTHONPATH": str(blocked)})
                    self.assertEqual(run.returncode, 1)
                    self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
                    self.assertIn(f"{name}.py: {missing} is missing in {sys.executable}", run.stderr)
                    self.assertIn("apt install python3-torch", run.stderr)


class Toys(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        subprocess.run([sys.executable, "-B", EXPORT / "toy.py", "--out", cls.folder], check=True,
                       stdout=subprocess.DEVNULL)

    def open(self, kind):
        stored = {"mdvt.json": ""}
        module = torch.jit.load(str(self.folder / f"{kind}.pt"), _extra_files=stored)
        return module, json.loads(stored["mdvt.json"])

    def close(self, actual, expected, delta=1e-5):
        self.assertEqual(actual.shape, expected.shape)
        self.assertLess((actual - expected).abs().max().item(), delta)

    def test_all_are_there_small_and_listed(self):
        listed = {m["file"]: m for m in json.loads((self.folder / "manifest.json").read_text())["models"]}
        kinds = set()
        for kind in toy.KINDS:
            path = self.folder / f"{kind}.pt"
            self.assertLess(path.stat().st_size, 20000, kind)
            self.assertEqual(listed[path.name]["sha256"], common.file_hash(path))
            module, meta = self.open(kind)
            kinds.add(meta["kind"])
            check = meta["check"]
            inputs = [common.check_input(s) for s in check.get("shapes", [check.get("shape")])]
            outputs = module(*inputs)
            outputs = outputs if isinstance(outputs, tuple) else (outputs,)
            self.assertEqual(len(outputs), len(meta["outputs"]))
            for output, mean in zip(outputs, check["mean"] if len(outputs) > 1 else [check["mean"]]):
                self.assertAlmostEqual(output.double().mean().item(), mean, places=5)
        self.assertEqual(kinds, {"depth", "depth_video", "track", "flow", "segment", "infill_part", "stabilizer_part"})

    def test_every_key_is_documented(self):
        text = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")

        def keys(value):
            for item in value if isinstance(value, list) else []:
                yield from keys(item)
            for key, item in value.items() if isinstance(value, dict) else []:
                yield key
                if key not in ("scheduler", "fixed"):  # free
                    yield from keys(item)

        metas = [self.open(kind)[1] for kind in toy.KINDS]
        metas.append(depth_anything_v2.metadata("vits", 20.0, common.source("", "", random_seed=1)))
        for meta in metas:
            for key in keys(meta):
                self.assertIn(f"`{key}`", text)

    def test_depth(self):
        image = common.example((3, 3, 42, 70), 5)
        self.close(self.open("depth_luminance")[0](image), 4 * luminance(image)[:, None] + 0.5)
        self.close(self.open("depth_plane")[0](image), torch.full((3, 1, 42, 70), 3.0))
        ramp = 1 + 4 * (torch.arange(42.0) + 0.5) / 42
        self.close(self.open("depth_ramp")[0](image), ramp[:, None].expand(3, 1, 42, 70))

    def test_depth_video(self):
        module, meta = self.open("depth_video")
        frames = common.example((1, 32, 3, 28, 42), 6)
        y = luminance(frames)
        mean = y[:, -1].mean()
        self.close(module(frames), ((1 + mean) * (4 * y + 0.5) + mean / 2)[:, :, None])
        window = meta["window"]
        self.assertEqual(window["length"] - window["overlap"], window["stride"])
        self.assertEqual(len(window["carry"]), window["overlap"])

    def test_track(self):
        queries = torch.tensor([[[2.0, 10.0, 8.0], [0.0, 1.0, 0.5]]])
        tracks, visible, confidence = self.open("track")[0](torch.zeros(1, 5, 3, 16, 24), queries)
        for t in range(5):
            self.close(tracks[0, t, 0], torch.tensor([10 + 1.5 * (t - 2), 8 - 0.5 * (t - 2)]))
            self.close(tracks[0, t, 1], torch.tensor([1 + 1.5 * t, 0.5 - 0.5 * t]))
        self.assertEqual(visible[0, :, 1].tolist(), [1, 1, 0, 0, 0])
        self.close(confidence, 0.9 * visible)

    def test_flow(self):
        a = common.example((1, 3, 40, 56), 7)
        b = torch.roll(a, shifts=(-3, 2), dims=(2, 3))
        flow, confidence = self.open("flow_constant")[0](a, b)
        self.assertEqual(flow[0, :, 5, 5].tolist(), [3, -1])
        flow, confidence = self.open("flow_match")[0](a, b)
        inner = flow[0, :, 8:-8, 8:-8]
        self.assertTrue((inner[0] == 2).all() and (inner[1] == -3).all())
        self.assertGreater(confidence[0, 0, 8:-8, 8:-8].min().item(), 0.9)
        still, _ = self.open("flow_match")[0](a, a)
        self.assertEqual(still.abs().max().item(), 0)

    def test_segment(self):
        image = common.example((2, 3, 64, 64), 8)
        mask = self.open("segment")[0](image)
        self.close(mask[:, 0], (luminance(image) > 0.5).float())
        self.assertTrue(0 < mask.mean().item() < 1)

    def test_nvds_halves_give_the_mean_of_four_frames(self):
        backbone, meta = self.open("nvds_backbone")
        head, head_meta = self.open("nvds_head")
        self.assertEqual((meta["role"], head_meta["role"]), ("backbone", "head"))
        self.assertEqual(meta["group"], head_meta["group"])
        frames = [common.example((1, 4, 32, 64), seed) for seed in range(4)]
        found = head(*[backbone(frame) for frame in frames], frames[3][:, :3])
        mean = sum(frame[:, 3:] for frame in frames) / 4
        small = mean.reshape(1, 1, 8, 4, 16, 4).mean((3, 5))
        large = small.repeat_interleave(4, dim=2).repeat_interleave(4, dim=3)
        self.close(found[:, 0], large[:, 0] + luminance(frames[3][:, :3]) / 8)

    def test_depth_rays(self):
        image, rays = common.example((1, 3, 28, 42), 3), common.example((1, 3, 28, 42), 4, low=0.2)
        self.close(self.open("depth_rays")[0](image, rays), 2 / rays[:, 2:3])

    def test_infill_reaches_its_picture_in_the_sampler_loop(self):
        encode, meta = self.open("infill_vae_encoder")
        embed, decode = self.open("infill_image_encoder")[0], self.open("infill_vae_decoder")[0]
        unet, unet_meta = self.open("infill_unet")
        self.assertEqual(meta["group"], unet_meta["group"])
        scheduler = unet_meta["scheduler"]

        frames = common.example((3, 3, 32, 40), 9, low=-1.0)
        condition = encode(frames)
        self.close(condition[:, :3], frames.reshape(3, 3, 4, 8, 5, 8).mean((3, 5)))
        embedding = embed(common.example((1, 3, 224, 224), 10))
        self.assertEqual(tuple(embedding.shape), (1, 1, 1024))
        mask = torch.zeros(1, 3, 1, 4, 5)
        mask[..., 2:] = 1

        steps, rho = scheduler["steps"], scheduler["rho"]
        high, low = scheduler["sigma_max"] ** (1 / rho), scheduler["sigma_min"] ** (1 / rho)
        sigmas = [(high + i / (steps - 1) * (low - high)) ** rho for i in range(steps)] + [0]
        x = torch.randn(1, 3, 4, 4, 5, generator=torch.Generator().manual_seed(11)).double()
        x = x * math.sqrt(sigmas[0] ** 2 + 1)
        for sigma, following in zip(sigmas, sigmas[1:]):
            scaled = x / math.sqrt(sigma ** 2 + 1)
            sample = torch.cat([scaled, condition[None].double(), mask.double()], dim=2)
            v = unet(sample, torch.tensor([0.25 * math.log(sigma)]).double(), embedding.double(),
                     torch.tensor([[6.0, 127, 0]]).double())
            denoised = x / (sigma ** 2 + 1) - v * sigma / math.sqrt(sigma ** 2 + 1)
            x = x + (x - denoised) / sigma * (following - sigma)
        self.close(x.float(), condition[None] * (1 - mask) + embedding.mean() * mask, 1e-4)
        picture = decode(condition)
        self.close(picture[:, :, ::8, ::8], condition[:, :3])
        self.assertEqual(picture.shape, frames.shape)


class CommandLine(unittest.TestCase):
    def test_tells_what_is_wrong_in_one_line(self):
        call = [sys.executable, "-B", EXPORT / "toy.py", "--kind", "segment", "--out", "/no/such/folder/a.pt"]
        result = subprocess.run(call, capture_output=True, text=True)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr, "toy.py: /no/such/folder: no such folder\n")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
