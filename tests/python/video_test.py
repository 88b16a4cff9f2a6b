# SPDX-License-Identifier: Apache-2.0
"""Videos, depth videos, pictures and sidecar files."""

import math
import unittest
from fractions import Fraction

import numpy as np

import mdvt
from support import (FRAMES, HEIGHT, RATE, WIDTH, Case, depth_map, write_color, write_depth,
                     yuv_planes)


class Video(Case):
    def test_what_is_written_is_read(self):
        write_color(self.path("clip.mkv"))
        with mdvt.VideoReader(self.path("clip.mkv")) as reader:
            info = reader.info
            self.assertEqual((info.width, info.height, info.codec), (WIDTH, HEIGHT, "ffv1"))
            self.assertEqual(info.frame_rate, RATE)
            self.assertIsInstance(info.frame_rate, Fraction)
            self.assertTrue(info.lossless)
            frames = list(reader)
        self.assertEqual(len(frames), FRAMES)
        for i, frame in enumerate(frames):
            self.assertEqual((frame.index, frame.time), (i, Fraction(i, RATE)))
            self.assertEqual(frame.pts * info.time_base, frame.time)

    def test_frames_keep_their_times_through_a_copy(self):
        times = [0, 3, 4, 10, 11]
        with mdvt.VideoWriter(self.path("a.mkv"), mdvt.PixelFormat.gray(), 8, 8,
                              time_base=Fraction(1, 100)) as writer:
            for t in times:
                writer.write(np.full((8, 8), t, np.uint8), pts=t)
        with mdvt.VideoReader(self.path("a.mkv")) as reader, \
                mdvt.VideoWriter(self.path("b.mkv"), reader.info.format, 8, 8,
                                 time_base=reader.info.time_base) as writer:
            for frame in reader:
                writer.write(frame)
            self.assertEqual(writer.frames_written, len(times))
        copied = list(mdvt.VideoReader(self.path("b.mkv")))
        self.assertEqual([f.time for f in copied], [Fraction(t, 100) for t in times])
        self.assertEqual([int(f.planes[0][0, 0]) for f in copied], times)

    def test_ntsc_rates_are_exact(self):
        rate = Fraction(30000, 1001)
        with mdvt.VideoWriter(self.path("a.mkv"), mdvt.PixelFormat.gray(), 8, 8,
                              frame_rate=rate) as writer:
            for _ in range(4):
                writer.write(np.zeros((8, 8), np.uint8))
        with mdvt.VideoReader(self.path("a.mkv")) as reader:
            self.assertEqual(reader.info.frame_rate, rate)

    def test_pixels_may_change_after_write(self):
        plane = np.zeros((8, 8), np.uint8)
        with mdvt.VideoWriter(self.path("a.mkv"), mdvt.PixelFormat.gray(), 8, 8,
                              frame_rate=1) as writer:
            for i in range(10):
                plane[:] = i
                writer.write(plane)
                plane[:] = 255
        read = [int(f.planes[0][3, 3]) for f in mdvt.VideoReader(self.path("a.mkv"))]
        self.assertEqual(read, list(range(10)))

    def test_rgb_by_the_matrix_of_the_stream(self):
        color = mdvt.ColorInfo(matrix=1, primaries=1, transfer=1)
        planes = [np.full((2, 2), 81, np.uint8), np.full((1, 1), 90, np.uint8),
                  np.full((1, 1), 240, np.uint8)]  # red in BT.601
        for matrix in (5, 1):
            color.matrix = matrix
            rgb = mdvt.Image.from_planes(planes).rgb(color)
            self.assertEqual(rgb.shape, (2, 2, 3))
            y, u, v = (81 - 16) / 219, (90 - 128) / 224, (240 - 128) / 224
            kr, kb = (0.299, 0.114) if matrix == 5 else (0.2126, 0.0722)
            r, b = y + 2 * (1 - kr) * v, y + 2 * (1 - kb) * u
            g = (y - kr * r - kb * b) / (1 - kr - kb)
            expected = np.clip(np.array([r, g, b]) * 255, 0, 255)
            np.testing.assert_allclose(rgb[0, 0], expected, atol=1)

    def test_bits_are_kept_or_changed_as_told(self):
        image = mdvt.Image(mdvt.PixelFormat.yuv(444, 10), 4, 4)
        for plane, value in zip(image.planes, (940, 512, 512)):
            plane[:] = value
        self.assertEqual(image.rgb().dtype, np.uint16)
        self.assertLessEqual(abs(int(image.rgb()[0, 0, 0]) - 1023), 1)
        self.assertEqual(image.rgb(bits=8).dtype, np.uint8)
        self.assertEqual(str(image.convert(mdvt.PixelFormat.gray()).format), "gray8")

    def test_an_exception_discards_the_file(self):
        with self.assertRaisesRegex(RuntimeError, "of my own"):
            with mdvt.VideoWriter(self.path("a.mkv"), mdvt.PixelFormat.gray(), 8, 8,
                                  frame_rate=25) as writer:
                writer.write(np.zeros((8, 8), np.uint8))
                raise RuntimeError("of my own")
        self.assertEqual(self.files(), [])

    def test_discard_within_with(self):
        with mdvt.VideoWriter(self.path("a.mkv"), mdvt.PixelFormat.gray(), 8, 8,
                              frame_rate=25) as writer:
            writer.write(np.zeros((8, 8), np.uint8))
            writer.discard()
        self.assertEqual(self.files(), [])
        self.assert_error(mdvt.Code.INVALID_ARGUMENT, "closed", writer.write,
                          np.zeros((8, 8), np.uint8))

    def test_nothing_appears_before_finish(self):
        writer = mdvt.VideoWriter(self.path("a.mkv"), mdvt.PixelFormat.gray(), 8, 8, frame_rate=25)
        writer.write(np.zeros((8, 8), np.uint8))
        self.assertNotIn("a.mkv", self.files())
        writer.finish()
        writer.finish()
        writer.discard()
        self.assertEqual(self.files(), ["a.mkv"])

    def test_errors_have_codes(self):
        code = mdvt.Code
        self.assert_error(code.NOT_FOUND, "missing.mkv", mdvt.VideoReader,
                          self.path("missing.mkv"))
        with open(self.path("text.mp4"), "w", encoding="ascii") as file:
            file.write("this is no video\n" * 50)
        self.assert_error(code.CORRUPT, "text.mp4", mdvt.VideoReader, self.path("text.mp4"))
        write_color(self.path("clip.mkv"))
        self.assert_error(code.REFUSED, "clip.mkv", mdvt.DepthVideoReader, self.path("clip.mkv"))
        self.assert_error(code.LIMIT, "limit", mdvt.VideoReader, self.path("clip.mkv"),
                          limits=mdvt.Limits(max_side=16))
        self.assert_error(code.IO, "clip.mkv", mdvt.VideoWriter, self.path("clip.mkv"),
                          mdvt.PixelFormat.gray(), 8, 8, overwrite=False)
        self.assert_error(code.INVALID_ARGUMENT, "pts",
                          mdvt.VideoWriter(self.path("a.mkv"), mdvt.PixelFormat.gray(), 8,
                                           8).write, np.zeros((8, 8), np.uint8))
        self.assert_error(code.INVALID_ARGUMENT, "frame_rate", mdvt.VideoWriter,
                          self.path("a.mkv"), mdvt.PixelFormat.gray(), 8, 8, frame_rate=23.976)
        self.assertTrue(issubclass(mdvt.Error, Exception))

    def test_a_closed_reader_says_so(self):
        write_color(self.path("clip.mkv"))
        reader = mdvt.VideoReader(self.path("clip.mkv"))
        reader.close()
        reader.close()
        self.assert_error(mdvt.Code.INVALID_ARGUMENT, "closed", reader.read)
        self.assertEqual(reader.info.width, WIDTH)

    def test_mp4_with_tags_and_layout(self):
        planes = yuv_planes(0)
        with mdvt.VideoWriter(self.path("a.mp4"), mdvt.PixelFormat.yuv(), WIDTH, HEIGHT,
                              codec=mdvt.VideoCodec.H264, frame_rate=24, crf=0, preset="ultrafast",
                              stereo=mdvt.StereoLayout.SIDE_BY_SIDE) as writer:
            for _ in range(3):
                writer.write(planes)
        frame = next(mdvt.VideoReader(self.path("a.mp4")))
        np.testing.assert_array_equal(frame.planes[0], planes[0])


class Depth(Case):
    def test_depth_video_keeps_metres_and_tags(self):
        write_depth(self.path("depth.mkv"))
        with mdvt.DepthVideoReader(self.path("depth.mkv")) as reader:
            self.assertEqual(reader.encoding, mdvt.DepthEncoding.RGB16)
            self.assertEqual(reader.max_depth, 100)
            self.assertEqual(reader.tags.xfov_deg, 60)
            self.assertEqual(reader.tags.kind, "depth")
            self.assertIsNone(reader.tags.yfov_deg)
            camera = reader.tags.camera_for(WIDTH, HEIGHT)
            self.assertAlmostEqual(camera.xfov_deg, 60)
            self.assertEqual([f.time for f in reader], [Fraction(i, RATE) for i in range(FRAMES)])

    def test_intrinsics_are_kept(self):
        camera = mdvt.Camera(8, 6, 7.25, 7.5, 4.125, 3)
        with mdvt.DepthVideoWriter(self.path("depth.mkv"), 8, 6, camera=camera, source="clip.mp4",
                                   source_frames=1, frame_rate=24) as writer:
            writer.write(np.ones((6, 8), np.float32))
        tags = mdvt.DepthVideoReader(self.path("depth.mkv")).tags
        self.assertEqual(tags.k, [7.25, 7.5, 4.125, 3])
        self.assertEqual((tags.source, tags.source_frames), ("clip.mp4", 1))

    def test_every_encoding_comes_back(self):
        depth = np.linspace(0.5, 19.5, 48 * 64, dtype=np.float32).reshape(48, 64)
        depth[0, 0] = 0
        depth[0, 1] = np.nan
        steps = {"RGB16": 20 / 64517, "GRAY16": 20 / 65535, "RGB24_LOG": 1e-4,
                 "GRAY16_LEGACY": 20 / 65025, "GRAY8": 20 / 255}
        self.assertEqual(set(steps), set(mdvt.DepthEncoding.__members__))
        for name, step in steps.items():
            with self.subTest(name):
                encoding = getattr(mdvt.DepthEncoding, name)
                packed = mdvt.pack_depth(depth, encoding=encoding, max_depth=20)
                back = mdvt.unpack_depth(packed, encoding=encoding, max_depth=20)
                self.assertEqual(back[0, 0], 0)
                self.assertEqual(back[0, 1], 0)
                np.testing.assert_allclose(back.ravel()[2:], depth.ravel()[2:], atol=step)
                threaded = mdvt.pack_depth(depth, encoding=encoding, max_depth=20, num_threads=3)
                np.testing.assert_array_equal(packed, threaded)
                if encoding != mdvt.DepthEncoding.GRAY8:
                    contiguous = np.ascontiguousarray(packed)
                    np.testing.assert_array_equal(
                        mdvt.unpack_depth(contiguous, encoding=encoding, max_depth=20), back)

    def test_copy_of_a_depth_video(self):
        write_depth(self.path("a.mkv"))
        with mdvt.DepthVideoReader(self.path("a.mkv")) as reader, \
                mdvt.DepthVideoWriter(self.path("b.mkv"), WIDTH, HEIGHT,
                                      max_depth=reader.max_depth,
                                      time_base=reader.info.time_base) as writer:
            for frame in reader:
                writer.write(frame)
        pairs = zip(mdvt.DepthVideoReader(self.path("a.mkv")),
                    mdvt.DepthVideoReader(self.path("b.mkv")))
        for a, b in pairs:
            self.assertEqual(a.time, b.time)
            np.testing.assert_array_equal(a.depth, b.depth)

    def test_metrics(self):
        truth = np.array([[1.0, 2.0, 4.0, 0.0]])
        estimate = np.array([[0.5, 1.0, 3.0, 9.0]])
        metrics = mdvt.DepthMetricsAccumulator()
        metrics.add_for_scale(estimate, truth)
        self.assertAlmostEqual(metrics.median_scale(), 2, delta=0.02)
        metrics.add(estimate, truth, 2)
        result = metrics.result()
        self.assertEqual(result.pixels, 3)
        self.assertAlmostEqual(result.abs_rel, (0 + 0 + 0.5) / 3, places=6)
        self.assertAlmostEqual(result.rmse, math.sqrt(4 / 3), places=6)
        self.assertAlmostEqual(result.delta1, 2 / 3, places=6)


class Files(Case):
    def test_sidecars(self):
        mdvt.write_fov_file(self.path("a.json"), [60.5, 61.25])
        self.assertEqual(mdvt.read_fov_file(self.path("a.json")), [60.5, 61.25])
        mdvt.write_convergence_file(self.path("b.json"), [1.5, float("nan"), 0])
        read = mdvt.read_convergence_file(self.path("b.json"))
        self.assertEqual((read[0], read[2]), (1.5, 0))
        self.assertTrue(math.isnan(read[1]))
        poses = np.tile(np.eye(4), (3, 1, 1))
        poses[:, 0, 3] = [0, 0.5, 1]
        poses[2, :3, :3] = [[0, 0, 1], [0, 1, 0], [-1, 0, 0]]
        mdvt.write_transformations_file(self.path("c.json"), poses)
        np.testing.assert_allclose(mdvt.read_transformations_file(self.path("c.json")), poses,
                                   atol=1e-12)
        with open(self.path("d.txt"), "w", encoding="utf-8") as file:
            file.write("# clips\n a.mp4 \n\nb.mp4\n")
        self.assertEqual(mdvt.read_batch_list(self.path("d.txt")), ["a.mp4", "b.mp4"])
        self.assert_error(mdvt.Code.CORRUPT, "a.json", mdvt.read_transformations_file,
                          self.path("a.json"))
        self.assert_error(mdvt.Code.INVALID_ARGUMENT, "N x 4 x 4",
                          mdvt.write_transformations_file, self.path("e.json"), np.eye(4))

    def test_pictures(self):
        rgb = np.random.default_rng(1).integers(0, 256, (7, 9, 3), np.uint8)
        mdvt.write_png(self.path("a.png"), rgb)
        np.testing.assert_array_equal(mdvt.read_image_file(self.path("a.png")).array(), rgb)
        gray = np.arange(20, dtype=np.uint16).reshape(4, 5) * 3000
        mdvt.write_png(self.path("b.png"), gray)
        np.testing.assert_array_equal(mdvt.read_image_file(self.path("b.png")).array(), gray)

    def test_geometry(self):
        points = np.array([[0, 0, 1], [1, 0, 1], [0, 1, 1.5]])
        colors = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]])
        mdvt.write_ply(self.path("a.ply"), points, colors)
        with open(self.path("a.ply"), "rb") as file:
            data = file.read()
        head, body = data.split(b"end_header\n")
        self.assertIn(b"element vertex 3", head)
        vertices = np.frombuffer(body, [("xyz", "<f4", 3), ("rgb", "u1", 3)])
        np.testing.assert_array_equal(vertices["xyz"], points)
        np.testing.assert_array_equal(vertices["rgb"], colors)
        mdvt.write_obj(self.path("a.obj"), points, triangles=[[0, 2, 1]])
        with open(self.path("a.obj"), encoding="ascii") as file:
            lines = file.read().split("\n")
        self.assertIn("v 0 1 1.5", lines)
        self.assertIn("f 1 3 2", lines)
        self.assert_error(mdvt.Code.INVALID_ARGUMENT, "points", mdvt.write_ply,
                          self.path("b.ply"), np.zeros((3, 2)))

    def test_log_sink(self):
        with mdvt.VideoWriter(self.path("a.mkv"), mdvt.PixelFormat.rgb(), 8, 8,
                              frame_rate=25) as writer:
            writer.write(np.zeros((8, 8, 3), np.uint8))
        said = []
        mdvt.set_log_sink(lambda level, text: said.append((level, text)))
        self.addCleanup(mdvt.set_log_sink, None)
        mdvt.DepthVideoReader(self.path("a.mkv"))
        self.assertEqual([level for level, text in said if "a.mkv" in text],
                         [mdvt.LogLevel.WARNING])


if __name__ == "__main__":
    unittest.main()
