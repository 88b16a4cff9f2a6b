# SPDX-License-Identifier: Apache-2.0
"""Rendering, depth from motion, whole jobs: progress, cancellation, exceptions, threads. Their
options are in tools_test.py."""

import os
import signal
import sys
import threading
import time
import unittest

import numpy as np

import mdvt
from support import (FRAMES, HEIGHT, WIDTH, Case, depth_map, write_color, write_depth, yuv_planes)

CAMERA = mdvt.Camera.from_fov(WIDTH, HEIGHT, xfov_deg=60)


class Rendering(Case):
    def test_no_baseline_gives_the_picture_itself(self):
        for picture in (yuv_planes(0), yuv_planes(0)[0],
                        np.random.default_rng(2).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)):
            renderer = mdvt.StereoRenderer(baseline=0)
            eyes = renderer.render(picture, depth_map(0), CAMERA, 3.0)
            for eye in (eyes.left, eyes.right):
                expected = picture if isinstance(picture, list) else \
                    mdvt.Image.from_array(picture).planes
                for plane, right in zip(eye.image.planes, expected):
                    np.testing.assert_array_equal(plane, right)
                self.assertIsNone(eye.depth)
                self.assertIsNone(eye.mask)

    def test_a_plane_moves_by_its_disparity(self):
        # fx b / 2 (1 / z - 1 / c) = 2 pixels exactly.
        baseline = 0.1
        z = CAMERA.fx * baseline / 2 / 2
        picture = np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH), np.uint8)
        eyes = mdvt.StereoRenderer(baseline=baseline).render(
            picture, np.full((HEIGHT, WIDTH), z), CAMERA, 0.0, with_depth=True)
        difference = np.abs(eyes.left.image.array()[:, 6:-6].astype(int) - picture[:, 4:-8])
        self.assertLessEqual(difference.max(), 1)
        np.testing.assert_allclose(eyes.left.depth[:, 6:-6], z, rtol=1e-5)

    def test_holes_are_told_and_filled(self):
        renderer = mdvt.StereoRenderer(baseline=0.5)
        picture = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
        black = renderer.render(picture, depth_map(0), CAMERA, 4.0, fill=False, with_depth=True,
                                mask=mdvt.InfillMaskStyle.DIRECTIONS)
        holes = black.left.mask.any(axis=2)
        self.assertTrue(holes.any())
        self.assertFalse(holes.all())
        self.assertEqual(black.left.image.array()[holes].max(), 0)
        self.assertEqual(black.left.depth[holes].max(), 0)
        filled = renderer.render(picture, depth_map(0), CAMERA, 4.0)
        self.assertEqual(filled.left.image.array()[holes].min(), 100)
        # By hand: in place, whether or not the array could be shared.
        array = np.ascontiguousarray(black.left.image.array())
        self.assertIs(mdvt.fill_holes(array, black.left.mask), array)
        np.testing.assert_array_equal(array, filled.left.image.array())
        image = black.left.image
        self.assertIs(mdvt.fill_holes(image, black.left.mask), image)
        np.testing.assert_array_equal(image.array(), filled.left.image.array())

    def test_wrong_sizes_are_refused(self):
        renderer = mdvt.StereoRenderer()
        self.assert_error(mdvt.Code.INVALID_ARGUMENT, "", renderer.render, yuv_planes(0),
                          np.ones((4, 4), np.float32), CAMERA)
        self.assert_error(mdvt.Code.INVALID_ARGUMENT, "baseline", mdvt.StereoRenderer,
                          baseline=float("nan"))
        frozen = np.zeros((4, 4), np.uint8)
        frozen.flags.writeable = False
        self.assert_error(mdvt.Code.INVALID_ARGUMENT, "read-only", mdvt.fill_holes, frozen,
                          np.zeros((4, 4, 3), np.uint8))

    def test_smooth_convergence(self):
        self.assertEqual(mdvt.smooth_convergence([2.0] * 5, 25), [2.0] * 5)
        self.assertEqual(mdvt.smooth_convergence([float("nan")] * 3, 25), [0.0] * 3)


class Motion(Case):
    def test_every_frame_comes_out(self):
        write_color(self.path("clip.mkv"))
        estimator = mdvt.MotionDepthEstimator(CAMERA, lookahead=2)
        out = []

        def pop_all():
            while (estimate := estimator.pop()) is not None:
                out.append(estimate)

        with mdvt.VideoReader(self.path("clip.mkv")) as reader:
            for frame in reader:
                estimator.push(frame)  # YUV: luma is taken
                pop_all()
        estimator.finish()
        pop_all()
        self.assertEqual([e.index for e in out], list(range(FRAMES)))
        for estimate in out:
            self.assertEqual(estimate.depth.shape, (HEIGHT, WIDTH))
            self.assertEqual(estimate.depth.dtype, np.float32)
            self.assertGreater(estimate.depth.min(), 0)
            self.assertEqual(estimate.confidence.dtype, np.uint8)
            self.assertEqual(estimate.report.world_from_cam.shape, (4, 4))
        report = estimator.report()
        self.assertEqual(report.frames, FRAMES)
        self.assertEqual(len(estimator.frame_reports()), FRAMES)
        self.assertEqual(estimator.latency, 3)
        self.assert_error(mdvt.Code.INVALID_ARGUMENT, "", estimator.push, yuv_planes(0)[0])

    def test_a_frame_of_another_size_is_refused(self):
        estimator = mdvt.MotionDepthEstimator(CAMERA)
        self.assert_error(mdvt.Code.INVALID_ARGUMENT, "", estimator.push, np.zeros((8, 8), np.uint8))


class Jobs(Case):
    FRAMES = 10

    def setUp(self):
        super().setUp()
        self.color, self.depth = self.path("clip.mkv"), self.path("clip_depth.mkv")
        self.output = self.path("out.mkv")
        write_color(self.color, self.FRAMES)
        write_depth(self.depth, self.FRAMES)
        self.before = self.files()

    def stereo(self, **options):
        return mdvt.stereo_rerender(depth_video=self.depth, color_video=self.color,
                                    output=self.output, **options)

    def test_stereo_rerender(self):
        calls = []
        report = self.stereo(infill_mask=True, do_basic_infill=True, convergence=4,
                             pupillary_distance=400, progress=lambda p: calls.append((p.frames_done, p.frames_total)))
        self.assertEqual(calls[-1], (self.FRAMES, self.FRAMES))
        self.assertEqual((report.frames, report.width, report.height),
                         (self.FRAMES, 2 * WIDTH, HEIGHT))
        self.assertEqual(report.output, self.output)
        self.assertEqual(report.outputs, [self.output, report.mask_output])
        self.assertTrue(os.path.exists(report.mask_output))
        self.assertGreater(report.hole_share, 0)
        # The job's left eye is that of the renderer.
        frame = next(mdvt.VideoReader(self.output))
        source = next(mdvt.VideoReader(self.color))
        metres = next(mdvt.DepthVideoReader(self.depth)).depth
        eyes = mdvt.StereoRenderer(baseline=0.4, color=source.color).render(
            source, metres, CAMERA, 4.0)
        np.testing.assert_array_equal(frame.planes[0][:, :WIDTH], eyes.left.image.planes[0])

    def test_video_metric_convert(self):
        report = mdvt.video_metric_convert(
            color_video=self.color, output=self.output, xfov=50, max_frames=4,
            transformation_output=self.path("path.json"))
        self.assertEqual(report.frames, 4)
        self.assertAlmostEqual(report.xfov, 50)
        self.assertIsNone(report.disparity_scale)  # belongs to models
        self.assertAlmostEqual(mdvt.DepthVideoReader(self.output).tags.xfov_deg, 50)
        self.assertEqual(mdvt.read_transformations_file(self.path("path.json")).shape, (4, 4, 4))

    def test_export(self):
        report = mdvt.convert_metric_depth_video_to_other_format(
            depth_video=self.depth, color_video=self.color, output=self.output, bit16=True,
            save_ply=self.path("ply"), max_frames=2)
        self.assertEqual((report.frames, report.files), (2, 2))
        self.assertEqual(len(os.listdir(self.path("ply"))), 2)
        self.assertEqual(str(mdvt.VideoReader(report.output).info.format), "gray16")

    def test_false_cancels(self):
        self.assert_error(mdvt.Code.CANCELLED, "", self.stereo, progress=lambda p: False)
        self.assertEqual(self.files(), self.before)

    def test_only_false_cancels(self):
        for answer in (None, True, 0, "", np.float32(0)):
            self.stereo(progress=lambda p, answer=answer: answer)

    def test_an_exception_of_the_callback_comes_out(self):
        class Mine(Exception):
            pass

        def raises(progress):
            raise Mine("of my own")

        with self.assertRaisesRegex(Mine, "of my own"):
            self.stereo(progress=raises)
        self.assertEqual(self.files(), self.before)
        self.stereo()  # and the next job runs

    def test_ctrl_c_cancels(self):
        def interrupt(progress):
            os.kill(os.getpid(), signal.SIGINT)

        with self.assertRaises(KeyboardInterrupt):
            self.stereo(progress=interrupt)
        self.assertEqual(self.files(), self.before)

    def test_ctrl_c_cancels_without_a_callback(self):
        # Long enough for the signal to come in the middle: the job is told on its next look.
        frames = 3000
        long_depth = self.path("long_depth.mkv")
        write_depth(long_depth, frames)
        before = self.files()
        timer = threading.Timer(0.15, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        try:
            with self.assertRaises(KeyboardInterrupt):
                mdvt.stereo_rerender(depth_video=long_depth, output=self.output, threads=1)
                time.sleep(1)  # a machine so fast that the job was done: the signal comes here
        finally:
            timer.join()
        self.assertIn(self.files(), (before, sorted(before + ["out.mkv"])))

    def test_cancel_flag_from_another_thread(self):
        flag = mdvt.CancelFlag()
        self.assertFalse(flag.is_set())
        threading.Thread(target=flag.set).start()
        while not flag.is_set():
            time.sleep(0.001)
        self.assert_error(mdvt.Code.CANCELLED, "", self.stereo, cancel=flag)
        self.assertEqual(self.files(), self.before)

    def test_other_threads_run_meanwhile(self):
        # If a job held Python's lock, this thread could not count while it runs.
        long_depth = self.path("long_depth.mkv")
        write_depth(long_depth, 400)
        running = threading.Event()
        result = []

        def work():
            running.set()
            result.append(
                mdvt.stereo_rerender(depth_video=long_depth, output=self.output, threads=1))

        thread = threading.Thread(target=work)
        thread.start()
        running.wait()
        steps = 0
        while thread.is_alive():
            steps += 1
            time.sleep(0.0005)
        thread.join()
        self.assertEqual(result[0].frames, 400)
        self.assertGreater(steps, 10)

    def test_a_log_sink_hears_every_job(self):
        said = []
        mdvt.set_log_sink(lambda level, text: said.append(text))
        self.addCleanup(mdvt.set_log_sink, None)
        threads = [threading.Thread(target=mdvt.video_metric_convert,
                                    kwargs={"color_video": self.color, "output": self.path(n),
                                            "progress": lambda p: None})
                   for n in ("a.mkv", "b.mkv", "c.mkv")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # No field of view is given: each job warns of its default.
        self.assertGreaterEqual(len([text for text in said if "60" in text]), 3, said)

    def test_a_log_sink_that_raises_harms_nobody(self):
        def raises(level, text):
            raise ValueError("of the sink")

        hooked = []
        before, sys.unraisablehook = sys.unraisablehook, lambda u: hooked.append(str(u.exc_value))
        mdvt.set_log_sink(raises)
        try:
            report = mdvt.video_metric_convert(color_video=self.color, output=self.output)
        finally:
            mdvt.set_log_sink(None)
            sys.unraisablehook = before
        self.assertEqual(report.frames, self.FRAMES)
        self.assertIn("of the sink", hooked)

    def test_two_threads_share_a_reader(self):
        write_color(self.path("long.mkv"), 200)
        reader = mdvt.VideoReader(self.path("long.mkv"))
        seen = []

        def read():
            while (frame := reader.read()) is not None:
                seen.append((frame.index, int(frame.planes[0][0, 0])))

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(seen), [(i, int(yuv_planes(i)[0][0, 0])) for i in range(200)])

    def test_jobs_run_side_by_side(self):
        outputs = [self.path(f"out{i}.mkv") for i in range(4)]
        threads = [threading.Thread(target=mdvt.stereo_rerender,
                                    kwargs={"depth_video": self.depth, "color_video": self.color,
                                            "output": output})
                   for output in outputs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        first = [f.planes[0].copy() for f in mdvt.VideoReader(outputs[0])]
        for output in outputs[1:]:
            for a, b in zip(first, mdvt.VideoReader(output)):
                np.testing.assert_array_equal(a, b.planes[0])


if __name__ == "__main__":
    unittest.main()
