#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The reference of pre- and post-processing against torch, PIL, published sizes and its own inverse."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import zipfile

from exporters import EXPORT, ROOT

import numpy as np

import reference

GOLDEN = ROOT / "tests" / "model" / "resample_golden.txt"

COVER = {"rule": "cover", "target": [518, 518], "multiple": 14}
UNIDEPTH = {"rule": "area", "multiple": 14, "round": "ceil", "min_pixels": 200000,
            "max_pixels": 600000, "pad": {"mode": "zero_normalized", "aspect": [0.5, 2.5]}}


def metadata(size, resample="bilinear", back="bilinear"):
    return {"inputs": [{"name": "image", "size": size, "resample": resample}],
            "outputs": [{"name": "depth", "resample": back}]}


class Sizes(unittest.TestCase):
    def test_are_those_of_the_networks_own_tools(self):
        wide = {**COVER, "wide": [1.78, 1.777]}
        # (width, height) of the picture, rule, (width, height) of the network's input
        table = [
            ((1920, 1080), COVER, (924, 518)), ((1440, 1080), COVER, (686, 518)),
            ((640, 360), COVER, (924, 518)), ((1080, 1920), COVER, (518, 924)),
            ((1244, 518), COVER, (1246, 518)), ((1244, 518), wide, (910, 378)),
            ((1236, 518), wide, (938, 392)), ((958, 518), wide, (938, 504)),
            ((1920, 1080), {**COVER, "target": [440, 440]}, (784, 448)),
            ((1920, 1080), {"rule": "fit", "target": [384, 384], "multiple": 32}, (384, 224)),
            ((1920, 1080), {"rule": "fit", "target": [504, 504], "multiple": 14}, (504, 280)),
            ((1000, 1000), {"rule": "fit", "target": [500, 500], "multiple": 14}, (490, 490)),
            ((1920, 1080), {"rule": "minimal", "target": [384, 384], "multiple": 32}, (672, 384)),
            ((320, 100), {"rule": "minimal", "target": [384, 384], "multiple": 32}, (384, 128)),
            ((1920, 1080), UNIDEPTH, (1036, 588)), ((701, 700), UNIDEPTH, (714, 700)),
            ((20, 28), {"rule": "native", "multiple": 8}, (16, 32)),
            ((3, 3), {"rule": "native", "multiple": 8, "round": "floor"}, (8, 8)),
            ((4000, 1000), {**COVER, "max": [2002, 2002]}, (2002, 504)),
            ((1920, 1080), {"rule": "fixed", "target": [462, 616]}, (616, 462)),
            ((1920, 1080), {**COVER, "dynamic": False}, (518, 518)),
        ]
        for picture, rule, expected in table:
            way = reference.plan(picture[::-1], rule)
            self.assertEqual(way["network"][::-1], expected, (picture, rule))

    def test_borders_and_letterbox_are_centred(self):
        way = reference.plan((301, 1000), UNIDEPTH)
        self.assertEqual((way["padded"], way["picture"]), ((400, 1000), (49, 0)))
        way = reference.plan((1080, 1920), {"rule": "fixed", "target": [462, 616]})
        self.assertEqual(way["content"], (58, 0, 346, 616))
        way = reference.plan((1080, 1920), {"rule": "fixed", "target": [462, 616], "keep_aspect": False})
        self.assertEqual(way["content"], (0, 0, 462, 616))


class Resampling(unittest.TestCase):
    def test_agrees_with_torch_and_pil(self):
        y, x = np.mgrid[0:11, 0:13]
        picture = (x * 37 + y * 101 + x * y * 13 + x * x * y * 7) % 256 / 255
        cases = 0
        for line in GOLDEN.read_text().splitlines():
            if line.startswith("#"):
                continue
            kind, width, height, *samples = line.split()
            sides = (int(height), int(width))
            expected = np.array(samples, dtype=float).reshape(sides)
            self.assertLess(np.abs(reference.resize(picture, kind, sides) - expected).max(), 1e-5, line[:40])
            cases += 1
        self.assertEqual(cases, 18)

    def test_rows_sum_to_one(self):
        for kind in ("cubic_opencv", "bilinear", "bilinear_align_corners", "bilinear_antialias", "bicubic",
                     "area", "area_or_cubic", "lanczos3_antialias", "nearest"):
            for source, target in ((40, 17), (17, 40), (1, 5), (5, 1), (9, 9)):
                rows = reference.matrix(kind, source, target, target > source).sum(1)
                self.assertLess(np.abs(rows - 1).max(), 2e-3, (kind, source, target))

    def test_area_is_the_mean_of_blocks(self):
        picture = np.arange(24.0).reshape(4, 6)
        expected = picture.reshape(2, 2, 2, 3).mean((1, 3))
        self.assertLess(np.abs(reference.resize(picture, "area", (2, 2)) - expected).max(), 1e-12)

    def test_opencv_cubic_has_its_published_weights(self):
        # Halfway between two samples: (-3, 19, 19, -3) / 32 for a = -0.75.
        row = reference.matrix("cubic_opencv", 8, 4)[1]
        self.assertEqual(row.tolist(), [0, -3 / 32, 19 / 32, 19 / 32, -3 / 32, 0, 0, 0])


class ThereAndBack(unittest.TestCase):
    def test_a_ramp_comes_back_where_it_was(self):
        y, x = np.mgrid[0:91, 0:203]
        frame = np.repeat((0.002 * x + 0.003 * y)[:, :, None], 3, axis=2)
        rules = (COVER, {**UNIDEPTH, "pad": {"mode": "replicate", "aspect": [0.5, 1.2]}},
                 {"rule": "fixed", "target": [140, 140]},
                 {"rule": "fixed", "target": [140, 140], "keep_aspect": False})
        for rule in rules:
            tensor, way = reference.network_input(frame, metadata(rule))
            self.assertEqual(tensor.shape, (1, 3, *way["network"]))
            back = reference.picture_map(tensor[0, 0], frame.shape[:2], way, "bilinear")
            self.assertEqual(back.shape, (91, 203))
            self.assertLess(np.abs(back - frame[:, :, 0])[4:-4, 4:-4].max(), 1e-4, rule)

    def test_pads_with_the_mean_or_the_border(self):
        frame = np.full((20, 40, 3), 51, dtype=np.uint8)
        rule = {"rule": "fixed", "target": [16, 20]}
        tensor, _ = reference.network_input(frame, metadata(rule))
        self.assertLess(np.abs(tensor[0, :, 0, 0] - (0.485, 0.456, 0.406)).max(), 1e-6)
        self.assertLess(np.abs(tensor[0, :, 3:13] - 0.2).max(), 1e-6)
        tensor, _ = reference.network_input(frame, metadata({**rule, "pad": {"mode": "replicate"}}))
        self.assertLess(np.abs(tensor - 0.2).max(), 1e-6)

    def test_ranges(self):
        frame = np.full((4, 6, 3), 32768, dtype=np.uint16)
        meta = metadata({"rule": "native"})
        self.assertAlmostEqual(reference.network_input(frame, meta)[0].max(), 32768 / 65535, places=6)
        meta["inputs"][0]["range"] = [-1, 1]
        self.assertAlmostEqual(reference.network_input(frame, meta)[0].max(), 2 * 32768 / 65535 - 1, places=6)
        meta["inputs"][0]["range"] = "image_max"
        self.assertAlmostEqual(reference.network_input(frame, meta)[0].max(), 1, places=6)


class CommandLine(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        rng = np.random.default_rng(1)
        np.save(self.folder / "frame.npy", rng.integers(0, 256, (36, 64, 3), dtype=np.uint8))
        (self.folder / "meta.json").write_text(json.dumps(metadata({**COVER, "target": [42, 42]})))

    def call(self, *options):
        return subprocess.run([sys.executable, "-B", EXPORT / "reference.py", *options],
                              capture_output=True, text=True, cwd=self.folder)

    def test_writes_tensor_and_map(self):
        result = self.call("--video-frame", "frame.npy", "--metadata", "meta.json", "--out", "in.npy")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        tensor = np.load(self.folder / "in.npy")
        self.assertEqual((tensor.shape, tensor.dtype), ((1, 3, 42, 70), np.float32))
        np.save(self.folder / "map.npy", tensor[:, :1])
        result = self.call("--video-frame", "frame.npy", "--metadata", "meta.json", "--map", "map.npy",
                           "--out", "out.npy")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(np.load(self.folder / "out.npy").shape, (36, 64))

    def test_runs_a_model_with_the_metadata_inside(self):
        try:
            import torch  # noqa: F401
        except ImportError:
            self.skipTest("there is no torch for this Python")
        subprocess.run([sys.executable, "-B", EXPORT / "toy.py", "--kind", "depth_luminance", "--out",
                        self.folder / "luma.pt"], check=True, stdout=subprocess.DEVNULL)
        result = self.call("--video-frame", "frame.npy", "--model", "luma.pt", "--out", "out.npy")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        frame = np.load(self.folder / "frame.npy")
        tensor, way = reference.network_input(frame, reference.read_metadata(self.folder / "luma.pt"))
        y = 0.299 * tensor[0, 0] + 0.587 * tensor[0, 1] + 0.114 * tensor[0, 2]
        expected = reference.picture_map(4 * y + 0.5, (36, 64), way, "bilinear_align_corners")
        self.assertLess(np.abs(np.load(self.folder / "out.npy") - expected).max(), 1e-5)

    def test_tells_what_is_wrong_in_one_line(self):
        with zipfile.ZipFile(self.folder / "empty.pt", "w") as archive:
            archive.writestr("a", "b")
        np.save(self.folder / "flat.npy", np.zeros((4, 4)))
        np.save(self.folder / "map.npy", np.zeros((4, 4)))
        frame, meta = ("--video-frame", "frame.npy"), ("--metadata", "meta.json")
        for options, text in (
                ((*frame,), "give --metadata or --model"),
                ((*frame, "--metadata", "gone.json"), "gone.json"),
                ((*frame, "--metadata", "empty.pt"), "has no mdvt.json inside"),
                (("--video-frame", "flat.npy", *meta), "must be H x W x 3"),
                ((*frame, *meta, "--map", "map.npy"), "the network's is (42, 70)")):
            result = self.call(*options, "--out", "out.npy")
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn(text, result.stderr)
            self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
            self.assertFalse((self.folder / "out.npy").exists())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
