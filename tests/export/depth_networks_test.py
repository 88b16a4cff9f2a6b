#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Depth-Anything-V2 exporter end to end, on a network of the same layout but a few thousand weights."""

import argparse
import contextlib
import hashlib
import io
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from exporters import EXPORT, skip_without_torch

skip_without_torch()

import torch

import common
import depth_anything_v2
import vit_depth

TINY = dict(width=24, blocks=4, heads=3, taps=(0, 1, 2, 3), head=8, levels=(4, 6, 8, 10))


class Layout(unittest.TestCase):
    def test_has_the_keys_and_shapes_of_the_public_checkpoints(self):
        # Of DepthAnythingV2(encoder="vits") of the upstream repository at a561b84.
        network = vit_depth.VitDepth("vits")
        keys = "\n".join(f"{k} {list(v.shape)}" for k, v in sorted(network.state_dict().items()))
        self.assertEqual(len(network.state_dict()), 239)
        self.assertEqual(hashlib.sha256(keys.encode()).hexdigest(),
                         "d23c856bcc891ad70def9f427bffcc2939cfe2a7bbeccd39c9107329e129a60e")
        self.assertEqual(sum(p.numel() for p in network.parameters()), 24785089)

    def test_gated_blocks_are_as_wide_as_upstream(self):
        gated = vit_depth.GatedMlp(1536)
        self.assertEqual(tuple(gated.w12.weight.shape), (8192, 1536))
        self.assertEqual(tuple(gated.w3.weight.shape), (1536, 4096))
        x = torch.randn(2, 1536, generator=torch.Generator().manual_seed(1))
        gate, value = (x @ gated.w12.weight.T + gated.w12.bias).split(4096, dim=1)
        expected = (gate / (1 + torch.exp(-gate)) * value) @ gated.w3.weight.T + gated.w3.bias
        self.assertLess((gated(x) - expected).abs().max(), 1e-4)

    def test_attention_is_softmax_of_scaled_products(self):
        attention = vit_depth.Attention(8, 2)
        common.fill_random(attention, 1)
        x = torch.randn(1, 5, 8, generator=torch.Generator().manual_seed(2))
        q, k, v = (attention.qkv(x)[0]).split(8, dim=1)
        heads = []
        for part in (slice(0, 4), slice(4, 8)):
            weights = torch.softmax(q[:, part] @ k[:, part].T / 2, dim=1)
            heads.append(weights @ v[:, part])
        self.assertLess((attention(x)[0] - attention.proj(torch.cat(heads, dim=1))).abs().max(), 1e-5)


class EndToEnd(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        vit_depth.KINDS["tiny"] = TINY
        depth_anything_v2.LICENSES["tiny"] = "none"
        self.addCleanup(vit_depth.KINDS.pop, "tiny")
        self.addCleanup(depth_anything_v2.LICENSES.pop, "tiny")

    def export(self, *options, out=None):
        onnx = out is not None
        out = out or self.folder / "tiny.pt"
        arguments, sys.argv = sys.argv, ["depth_anything_v2.py", "--encoder", "tiny", "--out", str(out),
                                         "--small-examples", *options]
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                depth_anything_v2.run()
        finally:
            sys.argv = arguments
        if onnx:
            return common._onnx_module(out), None
        stored = {"mdvt.json": ""}
        module = torch.jit.load(str(out), _extra_files=stored)
        return module, json.loads(stored["mdvt.json"])

    def original(self, checkpoint, max_depth=None):
        network = vit_depth.VitDepth("tiny", max_depth)
        network.load_state_dict(torch.load(checkpoint))
        return depth_anything_v2.Wrapper(network).eval()

    def checkpoint(self, max_depth=None):
        network = vit_depth.VitDepth("tiny", max_depth)
        common.fill_random(network, 4)
        torch.nn.init.constant_(network.depth_head.scratch.output_conv2[2].bias, 1.0)
        torch.save(network.state_dict(), self.folder / "weights.pth")
        return str(self.folder / "weights.pth")

    def test_relative(self):
        path = self.checkpoint()
        module, meta = self.export("--checkpoint", path)
        original = self.original(path)
        for shape in ((1, 3, 42, 70), (3, 3, 28, 14), (1, 3, 518, 518)):  # none of them an example
            image = common.example(shape, 9)
            with torch.no_grad(), common.without_profiling():
                expected = original(image)
                actual = module(image)
            self.assertEqual(tuple(actual.shape), (shape[0], 1, *shape[2:]))
            self.assertGreater(expected.std().item(), 0.01)
            self.assertLess((actual - expected).abs().max().item(), 1e-5 * expected.abs().max().item())
            self.assertGreaterEqual(actual.min().item(), 0)
        self.assertEqual(meta["source"]["sha256"], common.file_hash(path))
        self.assertEqual(meta["outputs"][0]["quantity"], "disparity")
        self.assertEqual(meta["inputs"][0]["size"]["target"], [518, 518])

    def test_metric(self):
        path = self.checkpoint(80.0)
        module, meta = self.export("--checkpoint", path, "--metric", "vkitti", "--input-size", "252")
        with torch.no_grad(), common.without_profiling():
            image = common.example((1, 3, 42, 28), 9)
            depth = module(image)
            self.assertLess((depth - self.original(path, 80.0)(image)).abs().max().item(), 1e-3)
        self.assertTrue(0 < depth.min() and depth.max() <= 80)
        output = meta["outputs"][0]
        self.assertEqual((output["quantity"], output["scale"], output["unit"], output["max_depth"]),
                         ("depth", "metric", "m", 80.0))
        self.assertEqual(meta["inputs"][0]["size"]["target"], [252, 252])

    def test_onnx_at_any_size(self):
        try:
            import onnxruntime  # noqa: F401
        except ImportError:
            self.skipTest("there is no onnxruntime for this Python")
        path = self.checkpoint()
        module, _ = self.export("--checkpoint", path, out=self.folder / "tiny.onnx")
        original = self.original(path)
        # Neither an example nor what it was traced at; and the grid of the table itself.
        for shape in ((1, 3, 42, 70), (3, 3, 28, 14), (1, 3, 518, 518)):
            image = common.example(shape, 9)
            with torch.no_grad():
                expected = original(image)
            actual, = module(image)
            self.assertEqual(tuple(actual.shape), (shape[0], 1, *shape[2:]))
            self.assertLess((actual - expected).abs().max().item(), 1e-4 * expected.abs().max().item())

    def test_bf16_encoder_is_near_and_says_so(self):
        path = self.checkpoint()
        module, meta = self.export("--checkpoint", path, "--bf16-encoder")
        self.assertEqual(meta["precision"], ["bf16_cpu_encoder"])
        image = common.example((1, 3, 56, 42), 9)
        with torch.no_grad(), common.without_profiling():
            expected = self.original(path)(image)
            error = (module(image) - expected).abs().max() / expected.std()
        self.assertTrue(0 < error.item() < 0.3, error)

    def test_random_weights_are_the_same_again(self):
        first, meta = self.export("--random-weights", "5")
        second, _ = self.export("--random-weights", "5")
        image = common.example((1, 3, 28, 28), 9)
        with torch.no_grad(), common.without_profiling():
            self.assertTrue(torch.equal(first(image), second(image)))
        self.assertIn("random", meta["source"]["checkpoint"])

    def test_refuses_other_weights_and_wrong_options(self):
        torch.save(torch.nn.Linear(2, 2).state_dict(), self.folder / "other.pth")
        for options, text in (
                (["--checkpoint", str(self.folder / "other.pth")], "is not of this network"),
                (["--random-weights", "1", "--input-size", "500"], "multiple of 14"),
                (["--random-weights", "1", "--max-depth", "-3"], "--max-depth -3.0"),
                (["--random-weights", "1", "--max-depth", "nan"], "--max-depth nan"),
                (["--random-weights", "1", "--repo", str(self.folder)], "give the folder of the clone")):
            with self.assertRaisesRegex(common.ExportError, text):
                self.export(*options)
            self.assertFalse((self.folder / "tiny.pt").exists())


class CommandLines(unittest.TestCase):
    def test_tell_what_is_wrong_in_one_line(self):
        weights, existing = ["--random-weights", "1"], pathlib.Path(tempfile.mkdtemp()) / "model.pt"
        self.addCleanup(shutil.rmtree, existing.parent)
        existing.write_bytes(b"weights")
        for program, options, text in (
                ("moge.py", ["--repo", "gone", *weights], "--repo gone: has no moge/model/v2.py"),
                ("depth_pro.py", ["--repo", "gone", *weights], "--repo gone: has no src/depth_pro/depth_pro.py"),
                ("tcmonodepth.py", ["--checkpoint", EXPORT], f"{EXPORT}: a folder, not a checkpoint"),
                ("tcmonodepth.py", ["--checkpoint", existing, "--out", existing], f"--out {existing}: is the checkpoint"),
                ("tcmonodepth.py", [*weights, "--trust-checkpoint"], "--trust-checkpoint: there is no --checkpoint"),
                ("nvds.py", ["--repo", "gone", *weights, "--head-out", "./a.pt"], "--head-out ./a.pt: is the file of --out"),
                ("segment.py", ["--repo", "gone", *weights, "--input-size", "0"], "--input-size 0: must be"),
                ("depth_anything_v2.py", ["--checkpoint", "gone.pth"], "gone.pth: no such checkpoint"),
                ("midas.py", ["--repo", "gone", "--random-weights", "1"], "--repo gone: has no midas"),
                ("midas.py", ["--repo", "gone", "--random-weights", "1", "--size", "64", "64"],
                 "--size is for the DPT family"),
                ("midas.py", ["--repo", "gone", "--random-weights", "1", "--model", "dpt_large_384",
                              "--size", "60", "64"], "must be multiples of 32")):
            call = [sys.executable, "-B", EXPORT / program, "--out", "a.pt", *options]
            result = subprocess.run(call, capture_output=True, text=True, cwd=tempfile.gettempdir())
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn(text, result.stderr)
            self.assertEqual(result.stderr.count("\n"), 1, result.stderr)

    def start(self, folder, **options):
        return subprocess.Popen([sys.executable, "-B", EXPORT / "depth_anything_v2.py", "--random-weights", "1", "--out",
                                 pathlib.Path(folder) / "a.pt"], stderr=subprocess.PIPE, text=True, **options)

    def test_end_at_once_and_leave_nothing_when_a_signal_comes(self):
        for number, word in ((signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")):
            with tempfile.TemporaryDirectory() as folder, self.start(folder) as process:
                self.assertIn("running the original", process.stderr.readline())
                begin = time.monotonic()
                process.send_signal(number)
                self.assertEqual(process.stderr.read().splitlines()[-1], f"depth_anything_v2.py: {word}")
                self.assertEqual(process.wait(), 128 + number)
                self.assertLess(time.monotonic() - begin, 5)
                self.assertEqual(os.listdir(folder), [])

    def test_tell_that_the_disk_is_full(self):
        with tempfile.TemporaryDirectory() as folder:
            limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10 ** 6, 10 ** 6))
            command = [sys.executable, "-B", EXPORT / "toy.py", "--kind", "depth_luminance", "--out", "a.pt"]
            result = subprocess.run(command, capture_output=True, text=True, cwd=folder, preexec_fn=limit)
            self.assertEqual(result.stderr.splitlines()[-1], "toy.py: a.pt: cannot be written: File too large")
            self.assertEqual((result.returncode, os.listdir(folder)), (1, []))

    def test_trust_only_on_demand(self):
        with tempfile.TemporaryDirectory() as folder:
            checkpoint = pathlib.Path(folder) / "a.pth"
            torch.save({"more": argparse.Namespace()}, checkpoint)  # than tensors
            for options, text in (([], "not a checkpoint of tensors"), (["--trust-checkpoint"], "is not of this network")):
                for program in ("depth_anything_v2.py", "tcmonodepth.py"):
                    call = [sys.executable, "-B", EXPORT / program, "--out", "a.pt", "--checkpoint", checkpoint, *options]
                    result = subprocess.run(call, capture_output=True, text=True, cwd=folder)
                    self.assertIn(text, result.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
