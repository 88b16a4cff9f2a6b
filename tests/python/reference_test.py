# SPDX-License-Identifier: Apache-2.0
"""The library against the plain numpy implementation in models/export/reference.py, and against a
network of Depth-Anything-V2-Small's shape run by torch itself."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import unittest

import numpy as np

import mdvt
from models_test import EXPORT, missing
from support import Case

sys.path.insert(0, str(EXPORT))
import reference  # noqa: E402

# Decoded pictures (height, width), the short side aimed at, and the network's sides.
SIZES = (
    ((518, 922), 518, (518, 924)),
    ((518, 692), 518, (518, 686)),
    ((518, 1244), 518, (378, 910)),
    ((518, 1236), 518, (392, 938)),
    ((518, 958), 518, (504, 938)),
    ((360, 640), 518, (518, 924)),
    ((922, 518), 518, (924, 518)),
    ((440, 782), 440, (448, 784)),
)
WIDE = (1.78, 1.777)
TOLERANCE = 1e-5


def metadata(target, resample="cubic_opencv"):
    return {"inputs": [{"size": {"rule": "cover", "target": [target, target], "multiple": 14,
                                 "keep_aspect": True, "dynamic": True, "wide": list(WIDE)},
                        "range": [0, 1], "resample": resample}]}


def picture(sides, seed):
    return np.random.default_rng(seed).integers(0, 256, (*sides, 3), np.uint8)


class Resampling(Case):
    def test_pictures_become_the_same_tensors(self):
        worst = 0
        for seed, (sides, target, network) in enumerate(SIZES):
            with self.subTest(sides):
                rule = mdvt.SizeRule(mdvt.SizeMode.COVER, (target, target), multiple=14,
                                     wide_above=WIDE[0], wide_as=WIDE[1])
                frame = picture(sides, seed)
                expected, way = reference.network_input(frame, metadata(target))
                self.assertEqual(tuple(way["network"]), network)
                tensor = mdvt.picture_to_tensor(frame, rule, "cubic_opencv")
                self.assertEqual(tensor.shape, (1, 3, *network))
                error = float(np.abs(tensor - expected).max())
                self.assertLessEqual(error, TOLERANCE)
                worst = max(worst, error)

                values = expected[0, 0]
                back = mdvt.tensor_to_picture(values, *sides, rule, "bilinear_align_corners")
                error = float(np.abs(back - reference.picture_map(
                    values, sides, way, "bilinear_align_corners")).max())
                self.assertLessEqual(error, TOLERANCE)
                worst = max(worst, error)
        print(json.dumps({"measure": "largest difference of tensors and maps to reference.py",
                          "value": worst, "target": TOLERANCE}))


class Network(Case):
    @classmethod
    def setUpClass(cls):
        reason = missing()
        if reason:
            raise unittest.SkipTest(reason)
        folder = pathlib.Path(os.environ["MDVT_TEST_MODELS"])
        folder.mkdir(parents=True, exist_ok=True)
        cls.path = folder / "depth-anything-v2-vits-random.pt"
        if not cls.path.exists():
            made = cls.path.with_suffix(".new.pt")
            subprocess.run(
                [sys.executable, "-B", str(EXPORT / "depth_anything_v2.py"), "--random-weights", "1",
                 "--encoder", "vits", "--small-examples", "--no-manifest", "--out", str(made)],
                check=True, stdout=subprocess.DEVNULL)
            made.rename(cls.path)

    def test_depth_is_that_of_torch(self):
        import torch

        model = mdvt.Model(str(self.path), allow_unlisted=True)
        info = reference.read_metadata(self.path)
        module = torch.jit.load(str(self.path), map_location="cpu").eval()
        worst = 0
        for seed, (sides, _, _) in enumerate((SIZES[0], SIZES[1])):
            with self.subTest(sides):
                frame = picture(sides, 100 + seed)
                tensor, way = reference.network_input(frame, info)
                with torch.no_grad():
                    values = module(torch.from_numpy(tensor))[0, 0].numpy()
                expected = reference.picture_map(values, sides, way,
                                                 info["outputs"][0]["resample"])
                spread = float(expected.max() - expected.min())
                self.assertGreater(spread, 0)
                camera = mdvt.Camera.from_fov(sides[1], sides[0], xfov_deg=60)
                estimator = mdvt.ModelDepth(model, camera)
                self.assertEqual(estimator.network_size, tuple(way["network"]))
                estimator.push(frame)
                estimator.finish()
                error = float(np.abs(estimator.pop().depth - expected).max()) / spread
                self.assertLessEqual(error, TOLERANCE)
                worst = max(worst, error)
        print(json.dumps({"measure": "largest difference of depth to torch, by the map's range",
                          "value": worst, "target": TOLERANCE}))


if __name__ == "__main__":
    unittest.main(verbosity=2)  # tells why a test is skipped
