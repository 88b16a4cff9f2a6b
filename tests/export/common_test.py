#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The exporters' shared part: patches, check input, and that an export that went wrong is found out."""

import json
import math
import pathlib
import sys
import tempfile
import types
import unittest
import unittest.mock
import warnings
import zipfile

from exporters import skip_without_torch

skip_without_torch()

import torch
import torch.nn.functional as F

import common


def metadata(**changes):
    size = {"rule": "native", "multiple": 2, "dynamic": True}
    return {"kind": "depth", "name": "test",
            "source": {"upstream": "test", "license": "none", "checkpoint": "none"},
            "inputs": [{"name": "image", "layout": "NCHW", "size": size, "resample": "bilinear"}],
            "outputs": [{"name": "depth", "quantity": "disparity", "scale": "affine"}],
            "batch": {"dynamic": True, "max": 8}, **changes}


def examples(*shapes):
    return [(common.example(shape, seed),) for seed, shape in enumerate(shapes)]


class Mean(torch.nn.Module):
    """Subtracts the mean of each picture: right at every size."""

    def forward(self, image):
        return image[:, :1] - image.mean(dim=(1, 2, 3), keepdim=True)


class FrozenHeight(torch.nn.Module):
    """What upstream code does: a size as a Python number."""

    def forward(self, image):
        return image[:, :1] / int(image.shape[2])


class FrozenShape(torch.nn.Module):
    def forward(self, image):
        return torch.zeros(image.shape[0], 1, int(image.shape[2]), int(image.shape[3])) + 1


class Patches(unittest.TestCase):
    def test_shim_stands_in_and_keeps_what_is_there(self):
        common.shim("mdvt_no_such.part.leaf", answer=42)
        from mdvt_no_such.part import leaf

        self.assertEqual(leaf.answer, 42)
        self.assertIs(common.shim("json"), json)
        with self.assertRaises(ImportError):
            from mdvt_no_such.part.leaf import other  # noqa: F401

    def test_attention_is_written_out_and_put_back(self):
        before = getattr(F, "scaled_dot_product_attention", None)
        q, k, v = (torch.randn(2, 3, 5, 4, generator=torch.Generator().manual_seed(i)) for i in range(3))
        with common.attention_without_sdpa():
            actual = F.scaled_dot_product_attention(q, k, v)
            causal = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        self.assertIs(getattr(F, "scaled_dot_product_attention", None), before)
        # Rows by rows, also in a trace that has seen another number of them; no rows at all are none.
        with common.attention_without_sdpa(by_rows=True), unittest.mock.patch.object(common, "MOST_WEIGHTS", 70), \
                warnings.catch_warnings():
            warnings.simplefilter("ignore", torch.jit.TracerWarning)
            traced = torch.jit.trace(lambda q, k, v: F.scaled_dot_product_attention(q, k, v), (q[..., :3, :], k, v),
                                     check_trace=False)
        self.assertLess((traced(q, k, v) - actual).abs().max(), 1e-6)
        self.assertEqual(traced(q[..., :0, :], k, v).shape, (2, 3, 0, 4))
        expected = torch.empty_like(actual)
        for b in range(2):
            for h in range(3):
                for i in range(5):
                    weights = torch.exp(k[b, h] @ q[b, h, i] / 2)
                    expected[b, h, i] = weights @ v[b, h] / weights.sum()
        self.assertLess((actual - expected).abs().max(), 1e-5)
        self.assertLess((causal[:, :, 0] - v[:, :, 0]).abs().max(), 1e-6)
        if before is not None:
            self.assertLess((actual - before(q, k, v)).abs().max(), 1e-5)

    def test_what_onnx_has_not_is_written_out(self):
        angles = torch.tensor([0.0, 1.0, -2.0, 0.0, -0.5, 3.0, -1e-3])
        y, x = angles[:, None].expand(7, 7), angles[None].expand(7, 7)
        expected = torch.atan2(y, x)
        with common.written_out():
            self.assertLess((torch.atan2(y, x) - expected).abs().max().item(), 1e-6)
        with common.written_out(False):
            self.assertTrue(torch.equal(torch.atan2(y, x), expected))
        self.assertTrue(torch.equal(torch.atan2(y, x), expected))

    def test_antialiasing_is_written_out(self):
        x = torch.randn(2, 3, 20, 33, generator=torch.Generator().manual_seed(1))
        expected = [F.interpolate(x, size, mode=mode, align_corners=False, antialias=True)
                    for mode in ("bilinear", "bicubic") for size in ((7, 9), (31, 40))]
        before = F.interpolate
        with common.written_out():
            self.assertIsNot(F.interpolate, before)
            actual = [F.interpolate(x, size=size, mode=mode, align_corners=False, antialias=True)
                      for mode in ("bilinear", "bicubic") for size in ((7, 9), (31, 40))]
            plain = F.interpolate(x, scale_factor=0.5, mode="bilinear", align_corners=False)
        self.assertIs(F.interpolate, before)
        self.assertTrue(torch.equal(plain, F.interpolate(x, scale_factor=0.5, mode="bilinear", align_corners=False)))
        for one, other in zip(actual, expected):
            self.assertLess((one - other).abs().max().item(), 1e-5)

    def test_position_embedding_follows_the_picture_in_a_trace(self):
        table = torch.randn(1, 1 + 6 * 6, 4, generator=torch.Generator().manual_seed(1))

        class Embed(torch.nn.Module):
            def forward(self, image):
                return common.position_embedding(table, image, 14, 0.1)

        traced = torch.jit.trace(Embed(), torch.zeros(1, 3, 28, 70), check_trace=False)
        self.assertTrue(torch.equal(traced(torch.zeros(1, 3, 84, 84)), table))
        for rows, columns in ((3, 5), (9, 4), (6, 7)):
            actual = traced(torch.zeros(1, 3, 14 * rows, 14 * columns))
            grid = table[:, 1:].reshape(1, 6, 6, 4).permute(0, 3, 1, 2)
            expected = F.interpolate(grid, scale_factor=((rows + 0.1) / 6, (columns + 0.1) / 6),
                                     mode="bicubic")
            self.assertEqual(tuple(expected.shape[2:]), (rows, columns))
            self.assertTrue(torch.equal(actual[0, 1:], expected[0].flatten(1).T))
            self.assertTrue(torch.equal(actual[:, :1], table[:, :1]))

    def test_sampler_takes_pixels(self):
        image = torch.arange(20.0).reshape(1, 1, 4, 5)  # 5 y + x
        points = torch.tensor([[[[0.0, 0.0], [4.0, 3.0], [1.5, 2.25], [9.0, -3.0]]]])
        actual = common.sampler(image, points, True, "border").flatten()
        for value, expected in zip(actual.tolist(), (0, 19, 12.75, 4)):
            self.assertAlmostEqual(value, expected, places=4)
        half = common.sampler(image, points[:, :, :1] + 0.5, False, "border")
        self.assertAlmostEqual(half.item(), 0, places=4)

    def test_traced_sizes_are_kept_and_put_back(self):
        module = types.ModuleType("upstream")
        exec("def double(image):\n    return image.new_zeros(int(image.shape[0] * 2), 1)\n"
             "def number():\n    return int('12') + int(3.9)", module.__dict__)
        with common.traced_sizes(module):
            self.assertEqual(module.number(), 15)
            traced = torch.jit.trace(module.double, torch.zeros(3, 1), check_trace=False)
        self.assertNotIn("int", module.__dict__)
        self.assertEqual(tuple(traced(torch.zeros(5, 1)).shape), (10, 1))


class CheckInput(unittest.TestCase):
    def test_is_the_formula(self):
        shape = (2, 3, 5, 7)
        tensor = common.check_input(shape)
        self.assertEqual(tensor.dtype, torch.float32)
        for b, c, y, x in ((0, 0, 0, 0), (1, 2, 4, 6), (0, 1, 3, 2)):
            expected = (0.5 + 0.25 * ((x + 0.5) / 7 - 0.5) * (1 - 0.25 * c) + 0.25 * math.sin(
                0.37 * (c + 1) + 2 * math.pi * (3 * (x + 0.5) / 7 + 2 * (y + 0.5) / 5)))
            self.assertAlmostEqual(tensor[b, c, y, x].item(), expected, delta=6e-8)

    def test_repeats_over_leading_dimensions_and_takes_few(self):
        clip = common.check_input((1, 4, 3, 6, 8))
        self.assertTrue(torch.equal(clip[0, 0], clip[0, 3]))
        self.assertTrue(torch.equal(clip[0, 0], common.check_input((1, 3, 6, 8))[0]))
        self.assertTrue(torch.equal(common.check_input((6, 8)), common.check_input((1, 6, 8))[0]))
        self.assertTrue(torch.equal(common.check_input((8,)), common.check_input((1, 8))[0]))


class Export(unittest.TestCase):
    SHAPES = ((1, 3, 6, 8), (2, 3, 8, 4))

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.out = self.folder / "model.pt"

    def refusal(self, module, meta=None, shapes=SHAPES):
        with self.assertRaises(common.ExportError) as caught:
            common.export(module, meta or metadata(), examples(*shapes), self.out)
        self.assertEqual([p.name for p in self.folder.iterdir()], [])
        self.assertNotIn("\n", str(caught.exception))
        return str(caught.exception)

    def test_writes_module_metadata_report_and_manifest(self):
        report = common.export(Mean(), metadata(), examples(*self.SHAPES), self.out, origin="here",
                               exporter="a test")
        stored = {"mdvt.json": ""}
        module = torch.jit.load(str(self.out), _extra_files=stored)
        meta = json.loads(stored["mdvt.json"])
        with zipfile.ZipFile(self.out) as archive:
            self.assertEqual(json.loads(archive.read("model.pt/extra/mdvt.json".replace(
                "model.pt", archive.namelist()[0].split("/")[0]))), meta)
        self.assertEqual(meta["format"], 1)
        self.assertEqual(meta["torch"]["exported_with"].split(".")[0], torch.__version__.split(".")[0])
        check = meta["check"]
        with torch.no_grad():
            output = module(common.check_input(check["shape"])).double()
        self.assertAlmostEqual(output.mean().item(), check["mean"], places=6)
        self.assertAlmostEqual(output.std(unbiased=False).item(), check["std"], places=6)

        entry, = json.loads((self.folder / "manifest.json").read_text())["models"]
        self.assertEqual(entry["file"], "model.pt")
        self.assertEqual(entry["sha256"], common.file_hash(self.out))
        self.assertEqual(entry["size"], self.out.stat().st_size)
        self.assertIn(entry["sha256"], report)
        self.assertEqual((self.folder / "model.pt.report.txt").read_text(), report)

        # Once more: the entry is replaced, another file's is kept.
        common.export(Mean(), metadata(), examples(*self.SHAPES), self.folder / "other.pt")
        common.export(Mean(), metadata(), examples(*self.SHAPES), self.out)
        files = [m["file"] for m in json.loads((self.folder / "manifest.json").read_text())["models"]]
        self.assertEqual(files, ["other.pt", "model.pt"])

    def test_finds_a_frozen_size(self):
        self.assertIn("froze", self.refusal(FrozenHeight()))
        self.assertIn("froze a size", self.refusal(FrozenShape()))

    def test_wants_examples_that_mean_something(self):
        self.assertIn("two proportions", self.refusal(Mean(), shapes=((1, 3, 6, 8), (2, 3, 12, 16))))
        self.assertIn("example of two", self.refusal(Mean(), shapes=((1, 3, 6, 8), (1, 3, 8, 4))))

    def test_refuses_outputs_that_the_metadata_does_not_have(self):
        two = metadata(outputs=[{"name": "a"}, {"name": "b"}])
        self.assertIn("2", self.refusal(Mean(), two))

    def test_refuses_values_that_are_not_finite(self):
        class Infinite(torch.nn.Module):
            def forward(self, image):
                return image[:, :1] / 0

        self.assertIn("not finite", self.refusal(Infinite()))

    def test_keeps_the_old_file_when_an_export_fails(self):
        common.export(Mean(), metadata(), examples(*self.SHAPES), self.out, manifest=False)
        before = common.file_hash(self.out)
        with self.assertRaises(common.ExportError):
            common.export(FrozenHeight(), metadata(), examples(*self.SHAPES), self.out)
        self.assertEqual(common.file_hash(self.out), before)
        self.assertFalse((self.folder / "manifest.json").exists())

    def test_says_beforehand_that_weights_are_too_many_for_onnx(self):
        self.out = self.folder / "model.onnx"
        many = torch.nn.Conv2d(3, 1, 3, padding=1)
        with unittest.mock.patch.object(common, "MOST_ONNX_BYTES", 100):
            self.assertIn("write a .pt file", self.refusal(many))
            common.export(many, metadata(), examples(*self.SHAPES), self.folder / "model.pt")

    def test_names_a_folder_that_is_not_there(self):
        self.out = self.folder / "gone" / "model.pt"
        self.assertIn("no such folder", self.refusal(Mean()))

    def test_refuses_names_that_mdvt_would_not_open(self):
        for out, text in ((self.folder, "is a folder"), ("", "is a folder"), (self.folder / "model.bin", "has to end in"),
                          (self.folder / "model", "has to end in")):
            self.out = out
            self.assertIn(text, self.refusal(Mean()))

    def test_looks_at_the_manifest_before_the_work(self):
        manifest = self.folder / "manifest.json"
        for text in ("{", "{}", '{"models": [1]}'):
            manifest.write_text(text)
            with self.assertRaisesRegex(common.ExportError, "manifest.json: not a manifest"):
                common.export(None, metadata(), [], self.out)
            self.assertEqual([[path.name, path.read_text()] for path in self.folder.iterdir()], [["manifest.json", text]])
        common.export(Mean(), metadata(), examples(*self.SHAPES), self.out, manifest=False)

    def test_leaves_the_old_files_where_one_cannot_be_written(self):
        common.export(Mean(), metadata(), examples(*self.SHAPES), self.out)
        before = {path.name: path.read_bytes() for path in self.folder.iterdir()}
        self.assertEqual(sorted(before), ["manifest.json", "model.pt", "model.pt.report.txt"])
        for ending in ("", ".report.txt"):  # a folder where the file is to be written first
            blocked = self.folder / f"model.pt{ending}.partial"
            blocked.mkdir()
            with self.assertRaisesRegex(common.ExportError, "cannot be written: Is a directory"):
                common.export(Mean(), metadata(name="other"), examples(*self.SHAPES), self.out)
            blocked.rmdir()
            self.assertEqual({path.name: path.read_bytes() for path in self.folder.iterdir()}, before)


class Checkpoints(unittest.TestCase):
    def test_load_strictly(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "weights.pth"
            source = torch.nn.Linear(3, 2)
            target = torch.nn.Linear(3, 2)
            torch.save({"model": source.state_dict()}, path)
            common.load_strictly(target, path)
            self.assertTrue(torch.equal(target.weight, source.weight))
            for state in ({"weight": source.weight}, {**source.state_dict(), "more": source.bias},
                          torch.nn.Linear(4, 2).state_dict()):
                torch.save(state, path)
                with self.assertRaisesRegex(common.ExportError, "not of this network"):
                    common.load_strictly(target, path)
            path.write_bytes(b"not a checkpoint")
            with self.assertRaisesRegex(common.ExportError, "not a checkpoint"):
                common.load_strictly(target, path)
            with self.assertRaisesRegex(common.ExportError, "no such checkpoint"):
                common.load_strictly(target, path.with_name("gone.pth"))

    def test_random_weights_depend_on_seed_and_names_only(self):
        def weights(seed, *order):
            module = torch.nn.Module()
            for name in order:
                setattr(module, name, torch.nn.Linear(3, 3))
            common.fill_random(module, seed)
            return module.a.weight.clone(), module.b.bias.clone()

        first, again, other = weights(1, "a", "b"), weights(1, "b", "a"), weights(2, "a", "b")
        self.assertTrue(all(torch.equal(x, y) for x, y in zip(first, again)))
        self.assertFalse(torch.equal(first[0], other[0]))
        self.assertTrue((first[1] != 0).all())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
