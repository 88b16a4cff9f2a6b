# SPDX-License-Identifier: Apache-2.0
"""Clips that several tests use, written through the module itself."""

import os
import shutil
import tempfile
import unittest

import numpy as np

import mdvt

WIDTH, HEIGHT, FRAMES, RATE = 64, 48, 6, 25


def yuv_planes(frame, width=WIDTH, height=HEIGHT):
    """A moving pattern in yuv420p."""
    y, x = np.mgrid[0:height, 0:width]
    half_y, half_x = np.mgrid[0 : (height + 1) // 2, 0 : (width + 1) // 2]
    luma = 16 + (x * 5 + y * 3 + frame * 7) % 200
    return [luma.astype(np.uint8), (110 + half_x % 20).astype(np.uint8),
            (120 + half_y % 20).astype(np.uint8)]


def depth_map(frame, width=WIDTH, height=HEIGHT):
    """A near square before a far wall, metres."""
    depth = np.full((height, width), 6.0, np.float32)
    depth[12:36, 20 + frame : 40 + frame] = 2.0
    return depth


def write_color(path, frames=FRAMES):
    with mdvt.VideoWriter(path, mdvt.PixelFormat.yuv(420), WIDTH, HEIGHT,
                          frame_rate=RATE) as writer:
        for i in range(frames):
            writer.write(yuv_planes(i))


def write_depth(path, frames=FRAMES):
    with mdvt.DepthVideoWriter(path, WIDTH, HEIGHT, xfov_deg=60, frame_rate=RATE) as writer:
        for i in range(frames):
            writer.write(depth_map(i))


class Case(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="mdvt_python_")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def files(self):
        return sorted(os.listdir(self.folder))

    def assert_error(self, code, text, call, *args, **kwargs):
        with self.assertRaises(mdvt.Error) as caught:
            call(*args, **kwargs)
        self.assertEqual(caught.exception.code, code, str(caught.exception))
        self.assertIn(text, str(caught.exception))


def address(array):
    return array.__array_interface__["data"][0]
