#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The TCMonoDepth exporter end to end: the layout of the checkpoint, and a file that is the network."""

import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest

from exporters import skip_without_torch

skip_without_torch()

import torch

import common
import tcmonodepth


class Layout(unittest.TestCase):
    def test_has_the_keys_of_the_public_checkpoint(self):
        network = tcmonodepth.TcMonoDepthSmall()
        self.assertEqual(len(network.state_dict()), 714)
        self.assertEqual(sum(p.numel() for p in network.parameters()), 186063)

    def test_units_pass_even_channels_on(self):
        unit = tcmonodepth.Unit(4, 4, 1).eval()
        common.fill_random(unit, 1)
        x = torch.randn(1, 8, 5, 7, generator=torch.Generator().manual_seed(2))
        with torch.no_grad():
            y = unit(x)
            self.assertTrue(torch.equal(y[:, :4], x[:, 0::2]))
            self.assertTrue(torch.equal(y[:, 4:], unit.branch_main(x[:, 1::2])))

    def test_levels_halve(self):
        with torch.no_grad():
            levels = tcmonodepth.Encoder().eval()(torch.zeros(1, 3, 64, 96))
        self.assertEqual([tuple(level.shape[1:]) for level in levels],
                         [(24, 32, 48), (48, 16, 24), (96, 8, 12), (192, 4, 6)])


class EndToEnd(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_exporter(self, *options):
        arguments, sys.argv = sys.argv, ["tcmonodepth.py", *options]
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                tcmonodepth.run()
        finally:
            sys.argv = arguments

    def test_file_is_the_network(self):
        network = tcmonodepth.TcMonoDepthSmall()
        common.fill_random(network, 3)
        torch.nn.init.constant_(network.decoder.final.bias, 3.0)
        torch.save(network.state_dict(), self.folder / "weights.pt")
        out = self.folder / "net.pt"
        self.run_exporter("--checkpoint", str(self.folder / "weights.pt"), "--out", str(out),
                          "--input-size", "384")
        stored = {"mdvt.json": ""}
        module = torch.jit.load(str(out), _extra_files=stored)
        image = common.example((2, 3, 64, 160), 7)
        with torch.no_grad(), common.without_profiling():
            expected = network.eval()(image)
            self.assertLess((module(image) - expected).abs().max(), 1e-5)
        self.assertEqual(tuple(expected.shape), (2, 1, 64, 160))
        meta = json.loads(stored["mdvt.json"])
        self.assertEqual(meta["inputs"][0]["size"]["target"], [384, 384])
        self.assertEqual(meta["outputs"][0]["scale"], "affine")

    def test_refuses_other_weights_and_sizes(self):
        torch.save({"weight": torch.zeros(3)}, self.folder / "other.pt")
        with self.assertRaisesRegex(common.ExportError, "is not of this network"):
            self.run_exporter("--checkpoint", str(self.folder / "other.pt"), "--out",
                              str(self.folder / "x.pt"))
        with self.assertRaisesRegex(common.ExportError, "multiple of 32"):
            self.run_exporter("--random-weights", "1", "--out", str(self.folder / "x.pt"),
                              "--input-size", "250")
        self.assertFalse((self.folder / "x.pt").exists())


if __name__ == "__main__":
    unittest.main()
