# SPDX-License-Identifier: Apache-2.0
"""Which arrays share memory with the library, who keeps it alive, and what is refused."""

import gc
import sys
import unittest
import weakref

import numpy as np

import mdvt
from support import HEIGHT, WIDTH, Case, address, depth_map, write_color, write_depth, yuv_planes


class Sharing(Case):
    def test_planes_of_an_image_are_its_memory(self):
        image = mdvt.Image(mdvt.PixelFormat.yuv(420, 10), 33, 17)
        self.assertEqual([p.shape for p in image.planes], [(17, 33), (9, 17), (9, 17)])
        self.assertTrue(all(p.dtype == np.uint16 for p in image.planes))
        image.planes[1][3, 4] = 777
        self.assertEqual(image.planes[1][3, 4], 777)
        self.assertEqual(address(image.planes[2]), address(image.planes[2]))

    def test_planes_that_are_given_are_shared(self):
        planes = yuv_planes(0)
        image = mdvt.Image.from_planes(planes)
        self.assertEqual(str(image.format), "yuv420p8")
        for given, shared in zip(planes, image.planes):
            self.assertTrue(np.shares_memory(given, shared))
        planes[0][5, 6] = 99
        self.assertEqual(image.planes[0][5, 6], 99)

    def test_padded_rows_are_shared_and_others_copied(self):
        whole = np.arange(20 * 30, dtype=np.uint16).reshape(20, 30)
        for part in (whole[3:10, 4:20], whole[::2], whole[:1], whole[:, :1]):
            image = mdvt.Image.from_array(part)
            self.assertTrue(np.shares_memory(part, image.planes[0]))
            np.testing.assert_array_equal(part, image.planes[0])
        for part in (whole[:, ::2], whole[::-1], whole.T):
            image = mdvt.Image.from_array(part)
            self.assertFalse(np.shares_memory(part, image.planes[0]))
            np.testing.assert_array_equal(part, image.planes[0])

    def test_rgb_is_shared_if_its_channels_are_planes(self):
        planar = np.arange(3 * 5 * 7, dtype=np.uint8).reshape(3, 5, 7)
        array = planar.transpose(1, 2, 0)
        image = mdvt.Image.from_array(array)
        self.assertTrue(np.shares_memory(planar, image.planes[2]))
        np.testing.assert_array_equal(image.array(), array)
        self.assertTrue(np.shares_memory(planar, image.array()))
        reverse = mdvt.Image.from_array(array[..., ::-1])  # BGR as RGB, still the same memory
        self.assertTrue(np.shares_memory(planar, reverse.planes[0]))
        np.testing.assert_array_equal(reverse.array(), array[..., ::-1])
        packed = np.ascontiguousarray(array)
        copy = mdvt.Image.from_array(packed)
        self.assertFalse(np.shares_memory(packed, copy.planes[0]))
        np.testing.assert_array_equal(copy.array(), packed)

    def test_frames_of_a_decoder_are_read_only_views(self):
        write_color(self.path("clip.mkv"))
        frames = list(mdvt.VideoReader(self.path("clip.mkv")))
        for i, frame in enumerate(frames):  # all alive at once, the reader is gone
            for plane, expected in zip(frame.planes, yuv_planes(i)):
                np.testing.assert_array_equal(plane, expected)
                self.assertFalse(plane.flags.writeable)
        self.assertEqual(address(frames[0].planes[0]), address(frames[0].image.planes[0]))
        with self.assertRaises(ValueError):
            frames[0].planes[0][0, 0] = 1

    def test_an_array_outlives_frame_and_reader(self):
        write_color(self.path("clip.mkv"))
        reader = mdvt.VideoReader(self.path("clip.mkv"))
        luma = reader.read().planes[0]
        reader.close()
        del reader
        gc.collect()
        np.testing.assert_array_equal(luma, yuv_planes(0)[0])

    def test_depth_shares_the_frame_and_may_be_written(self):
        write_depth(self.path("depth.mkv"))
        frames = list(mdvt.DepthVideoReader(self.path("depth.mkv")))
        for i, frame in enumerate(frames):
            self.assertEqual(frame.depth.dtype, np.float32)
            self.assertEqual(address(frame.depth), address(frame.depth))
            np.testing.assert_allclose(frame.depth, depth_map(i), atol=100 / 64517 / 2 * 1.01)
        frames[0].depth[0, 0] = -1
        self.assertEqual(frames[0].depth[0, 0], -1)
        self.assertNotEqual(frames[1].depth[0, 0], -1)

    def test_packed_depth_is_a_view_of_planes(self):
        packed = mdvt.pack_depth(depth_map(0))
        self.assertEqual(packed.shape, (HEIGHT, WIDTH, 3))
        self.assertEqual(packed.strides[1], 1)
        self.assertTrue(np.shares_memory(packed, mdvt.Image.from_array(packed).planes[0]))


class Lifetime(Case):
    def test_what_is_shared_is_kept_alive_and_let_go(self):
        class Tracked(np.ndarray):
            """An array that can be told when it is gone."""

        array = np.zeros((4, 5), np.uint8).view(Tracked)
        gone = weakref.ref(array)
        image = mdvt.Image.from_array(array)
        view = image.planes[0]
        del array, image
        gc.collect()
        self.assertIsNotNone(gone())
        view[1, 2] = 7
        self.assertEqual(gone()[1, 2], 7)
        del view
        gc.collect()
        self.assertIsNone(gone())

    def test_reference_counts_stay(self):
        plane = np.zeros((HEIGHT, WIDTH), np.uint8)
        metres = depth_map(0)
        camera = mdvt.Camera.from_fov(WIDTH, HEIGHT, xfov_deg=60)
        renderer = mdvt.StereoRenderer()
        before = sys.getrefcount(plane), sys.getrefcount(metres)
        for _ in range(50):
            mdvt.Image.from_planes([plane]).planes
            renderer.render(plane, metres, camera)
            mdvt.unpack_depth(mdvt.pack_depth(metres))
        gc.collect()
        self.assertEqual((sys.getrefcount(plane), sys.getrefcount(metres)), before)

    def test_memory_does_not_grow(self):
        def resident():
            with open("/proc/self/statm", encoding="ascii") as file:
                return int(file.read().split()[1]) * 4096

        write_color(self.path("clip.mkv"))
        write_depth(self.path("depth.mkv"))

        def work():
            for frame in mdvt.VideoReader(self.path("clip.mkv"), num_threads=1):
                frame.rgb()
            for frame in mdvt.DepthVideoReader(self.path("depth.mkv"), num_threads=1):
                mdvt.pack_depth(frame.depth)
            try:
                mdvt.VideoReader(self.path("missing.mkv"))
            except mdvt.Error:
                pass

        for _ in range(20):
            work()
        gc.collect()
        before = resident()
        for _ in range(100):
            work()
        gc.collect()
        # 100 rounds give out 100 x 6 x (9 + 12 + 9 + 12) kB = 25 MB of pixels.
        self.assertLess(resident() - before, 6e6)


class Refusals(Case):
    def test_pictures_that_cannot_be_one(self):
        invalid = mdvt.Code.INVALID_ARGUMENT
        from_array, from_planes = mdvt.Image.from_array, mdvt.Image.from_planes
        self.assert_error(invalid, "int32", from_array, np.zeros((4, 4), np.int32))
        self.assert_error(invalid, "4 x 4 x 4", from_array, np.zeros((4, 4, 4), np.uint8))
        self.assert_error(invalid, "sides", from_array, np.zeros((0, 4), np.uint8))
        self.assert_error(invalid, "2 planes", from_planes, [np.zeros((4, 4), np.uint8)] * 2)
        self.assert_error(invalid, "RGB or YUV", from_planes, [np.zeros((4, 4), np.uint8)] * 3)
        self.assert_error(invalid, "subsampling", from_planes,
                          [np.zeros(s, np.uint8) for s in ((9, 9), (2, 2), (2, 2))])
        self.assert_error(invalid, "plane 2", from_planes,
                          [np.zeros(s, np.uint8) for s in ((8, 8), (4, 4), (4, 3))])
        self.assert_error(invalid, "float64", from_planes, [np.zeros((4, 4))])
        self.assert_error(invalid, "not str", mdvt.write_png, self.path("a.png"), "picture")
        big_endian = np.zeros((4, 4), ">u2")
        self.assert_error(invalid, "must be", from_array, big_endian)

    def test_depth_that_cannot_be_one(self):
        invalid = mdvt.Code.INVALID_ARGUMENT
        self.assert_error(invalid, "depth", mdvt.pack_depth, np.zeros((2, 2), complex))
        self.assert_error(invalid, "depth", mdvt.pack_depth, np.zeros(4, np.float32))
        self.assert_error(invalid, "depth", mdvt.pack_depth, [[1.0]])
        self.assert_error(invalid, "max_depth", mdvt.pack_depth, depth_map(0), max_depth=-1)
        self.assert_error(invalid, "max_depth", mdvt.pack_depth, depth_map(0),
                          max_depth=float("nan"))

    def test_numbers_of_other_types_become_float(self):
        for dtype in (np.float64, np.float16, np.int32, np.uint8):
            depth = np.array([[0, 1, 2]], dtype)
            np.testing.assert_allclose(mdvt.unpack_depth(mdvt.pack_depth(depth)), depth, atol=1e-3)
        for view in (depth_map(0)[::-1], depth_map(0)[:, ::-1], depth_map(0).T, depth_map(0)[::3]):
            np.testing.assert_allclose(mdvt.unpack_depth(mdvt.pack_depth(view)), view, atol=1e-3)


if __name__ == "__main__":
    unittest.main()
