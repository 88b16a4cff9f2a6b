# SPDX-License-Identifier: Apache-2.0
"""Models, estimators and jobs with them. Those that run a network need the plug-in and python3-torch."""

import functools
import gc
import importlib.util
import os
import pathlib
import subprocess
import sys
import threading
import unittest

import numpy as np

import mdvt
from support import FRAMES, HEIGHT, WIDTH, Case, write_color, yuv_planes

EXPORT = pathlib.Path(__file__).resolve().parents[2] / "models" / "export"
CAMERA = mdvt.Camera.from_fov(WIDTH, HEIGHT, xfov_deg=60)
WEIGHTS = np.array([0.299, 0.587, 0.114])


def missing():
    """What the toy models lack here, or "" if they can be made and run."""
    if importlib.util.find_spec("torch") is None:
        return "python3-torch is not installed"
    if not os.path.exists(os.environ.get("MDVT_TORCH_PLUGIN", "")):
        return "the LibTorch plug-in was not built"
    return ""


@functools.lru_cache(maxsize=None)
def toys():
    """The folder of the toy models, and the path of each."""
    folder = pathlib.Path(os.environ["MDVT_TEST_MODELS"])
    folder.mkdir(parents=True, exist_ok=True)
    models = {kind: str(folder / f"{kind}.pt")
              for kind in ("depth_luminance", "depth_plane", "segment", "flow_constant")}
    for kind, path in models.items():
        subprocess.run([sys.executable, "-B", str(EXPORT / "toy.py"), "--kind", kind, "--out", path],
                       check=True, stdout=subprocess.DEVNULL)
    return folder, models


class WithToys(Case):
    """Tests with the toy models."""

    @classmethod
    def setUpClass(cls):
        reason = missing()
        if reason:
            raise unittest.SkipTest(reason)
        cls.toys, cls.models = toys()

    def model(self, kind="depth_luminance", **options):
        return mdvt.Model(self.models[kind], **options)


class Models(WithToys):
    def test_tells_what_it_is(self):
        model = self.model()
        info = model.info
        self.assertEqual((info["kind"], info["name"]), ("depth", "toy-depth-luminance"))
        self.assertEqual(info["source"]["license"], "Apache-2.0")
        self.assertEqual(info["inputs"][0]["name"], "image")
        self.assertEqual(info["inputs"][0]["range"], (0, 1))
        self.assertIsInstance(info["inputs"][0]["size"], mdvt.SizeRule)
        self.assertEqual(info["outputs"][0]["quantity"], "disparity")
        self.assertEqual(info["outputs"][0]["scale"], "affine")
        self.assertEqual(info["batch"], {"dynamic": True, "max": 8})
        self.assertIsNone(info["window"])
        self.assertEqual(model.backend, "torch")
        self.assertEqual(model.path, self.models["depth_luminance"])
        self.assertEqual(len(model.sha256), 64)
        self.assertTrue(model.is_relative)
        self.assertFalse(self.model("depth_plane").is_relative)
        with self.assertRaises(mdvt.Error) as caught:
            self.model("segment").is_relative
        self.assertEqual(caught.exception.code, mdvt.Code.UNSUPPORTED)

    def test_runs(self):
        image = np.random.default_rng(1).random((2, 3, 28, 42), np.float32)
        outputs = self.model().run([image])
        self.assertEqual(len(outputs), 1)
        self.assertEqual((outputs[0].shape, outputs[0].dtype), ((2, 1, 28, 42), np.float32))
        expected = 4 * np.einsum("bcyx,c->byx", image, WEIGHTS) + 0.5
        np.testing.assert_allclose(outputs[0][:, 0], expected, atol=1e-5)
        # Other layouts and types are converted; outputs outlive the model.
        other = self.model().run([image.astype(np.float64)[:, :, ::-1]])[0]
        gc.collect()
        np.testing.assert_allclose(other[:, 0], expected[:, ::-1], atol=1e-5)
        other += 1  # it is the caller's
        first, second = self.model("flow_constant").run([image[:, :, :24, :32]] * 2)
        self.assertEqual(first.shape, (2, 2, 24, 32))
        np.testing.assert_array_equal(first[0, :, 3, 5], [3, -1])
        self.assertEqual(second.shape, (2, 1, 24, 32))

    def test_wrong_inputs_are_refused(self):
        model = self.model()
        invalid = mdvt.Code.INVALID_ARGUMENT
        image = np.zeros((1, 3, 28, 42), np.float32)
        self.assert_error(invalid, "", model.run, [])
        self.assert_error(invalid, "", model.run, [image, image])
        self.assert_error(invalid, "", model.run, [image[0]])
        self.assert_error(invalid, "", model.run, [image[:, :, :27]])
        self.assert_error(invalid, "inputs[0]", model.run, ["image"])
        self.assert_error(invalid, "inputs[0]", model.run, [image.astype(complex)])

    def test_runs_in_several_threads(self):
        model = self.model(num_threads=1)
        image = np.random.default_rng(2).random((1, 3, 70, 140), np.float32)
        expected = model.run([image])[0]
        results = []
        threads = [threading.Thread(target=lambda: results.append(model.run([image])[0]))
                   for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for result in results:
            np.testing.assert_array_equal(result, expected)
        self.assertEqual(len(results), 4)

    def test_self_test(self):
        for result in self.model(self_test=True).self_test():
            self.assertTrue(result.passed)
            self.assertLessEqual(abs(result.mean - result.expected_mean), result.tolerance * 4)
            self.assertGreater(result.expected_deviation, 0)

    def test_trust(self):
        path = self.path("copy.pt")
        data = pathlib.Path(self.models["depth_luminance"]).read_bytes()
        pathlib.Path(path).write_bytes(data)
        self.assert_error(mdvt.Code.REFUSED, "copy.pt", mdvt.Model, path)
        self.assertEqual(mdvt.Model(path, allow_unlisted=True).sha256, self.model().sha256)
        self.assertEqual(mdvt.Model(path, sha256=self.model().sha256.upper()).path, path)
        self.assert_error(mdvt.Code.REFUSED, "", mdvt.Model, path, sha256="0" * 64)
        manifest = str(self.toys / "manifest.json")
        self.assert_error(mdvt.Code.REFUSED, "depth_luminance.pt", mdvt.Model, path,
                          manifest=manifest)  # listed, under another name
        named = self.path("depth_luminance.pt")
        os.rename(path, named)
        self.assertEqual(mdvt.Model(named, manifest=manifest).path, named)


class Depth(WithToys):
    def luminance(self, rgb):
        return rgb.astype(np.float64) / 255 @ WEIGHTS

    def test_is_that_of_the_formula(self):
        # Of a picture that is one colour nothing depends on the resizing.
        estimator = mdvt.ModelDepth(self.model(), CAMERA, batch=2)
        self.assertFalse(estimator.is_metric)
        self.assertIsNone(estimator.calibration)
        self.assertEqual([side % 14 for side in estimator.network_size], [0, 0])
        colors = np.random.default_rng(4).integers(0, 256, (5, 3), np.uint8)
        estimates = []
        for color in colors:
            estimator.push(np.broadcast_to(color, (HEIGHT, WIDTH, 3)))
            while (estimate := estimator.pop()) is not None:
                estimates.append(estimate)
        self.assertEqual(len(estimates), 4)
        estimator.finish()
        estimates.append(estimator.pop())
        self.assertIsNone(estimator.pop())
        for i, estimate in enumerate(estimates):
            self.assertEqual((estimate.index, estimate.pts), (i, i))
            self.assertEqual(estimate.quantity, mdvt.DepthQuantity.RELATIVE_DISPARITY)
            self.assertIsNone(estimate.report)
            self.assertIsNone(estimate.confidence)
            self.assertFalse(estimate.starts_scene)
            self.assertEqual(estimate.depth.shape, (HEIGHT, WIDTH))
            np.testing.assert_allclose(estimate.depth, 4 * self.luminance(colors[i]) + 0.5,
                                       rtol=1e-5)
        self.assert_error(mdvt.Code.INVALID_ARGUMENT, "", estimator.push,
                          np.zeros((HEIGHT, WIDTH, 3), np.uint8))

    def test_is_metric_with_a_calibration(self):
        grey = np.full((HEIGHT, WIDTH, 3), 102, np.uint8)
        disparity = 4 * 0.4 + 0.5
        for options, metres in (
                ({"calibration": mdvt.DisparityCalibration(0.5, 0.1)}, 1 / (0.5 * disparity + 0.1)),
                ({"median_depth": 8.0}, 8)):
            estimator = mdvt.ModelDepth(self.model(), CAMERA, **options)
            self.assertTrue(estimator.is_metric)
            estimator.push(grey)
            estimate = estimator.pop()
            self.assertEqual(estimate.quantity, mdvt.DepthQuantity.METRIC_DEPTH)
            np.testing.assert_allclose(estimate.depth, metres, rtol=1e-5)
            self.assertIsNotNone(estimator.calibration)
        estimator = mdvt.ModelDepth(self.model("depth_plane"), CAMERA)
        self.assertTrue(estimator.is_metric)
        estimator.push(yuv_planes(0))  # becomes RGB
        np.testing.assert_allclose(estimator.pop().depth, 3, rtol=1e-6)

    def test_takes_pictures_of_more_bits(self):
        estimator = mdvt.ModelDepth(self.model(), CAMERA)
        estimator.push(np.full((HEIGHT, WIDTH, 3), 12345, np.uint16))
        np.testing.assert_allclose(estimator.pop().depth, 4 * 12345 / 65535 + 0.5, rtol=1e-6)

    def test_wrong_arguments_are_refused(self):
        model, invalid = self.model(), mdvt.Code.INVALID_ARGUMENT
        self.assert_error(invalid, "batch", mdvt.ModelDepth, model, CAMERA, batch=0)
        self.assert_error(invalid, "batch", mdvt.ModelDepth, model, CAMERA, batch=9)
        self.assert_error(invalid, "input_size", mdvt.ModelDepth, model, CAMERA, input_size=5)
        self.assert_error(invalid, "median_depth", mdvt.ModelDepth, model, CAMERA, median_depth=-1)
        self.assert_error(mdvt.Code.UNSUPPORTED, "", mdvt.ModelDepth, self.model("segment"), CAMERA)
        estimator = mdvt.ModelDepth(model, CAMERA)
        self.assert_error(invalid, "", estimator.push, np.zeros((8, 8, 3), np.uint8))


class Jobs(WithToys):
    def setUp(self):
        super().setUp()
        self.color, self.output = self.path("clip.mkv"), self.path("depth.mkv")
        # Without steps, at which cubic resizing falls below zero.
        x, y = np.arange(WIDTH), np.arange(HEIGHT)[:, None]
        chroma = np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)
        with mdvt.VideoWriter(self.color, mdvt.PixelFormat.yuv(420), WIDTH, HEIGHT,
                              frame_rate=25) as writer:
            for i in range(FRAMES):
                luma = 120 + 60 * np.sin((x + 2 * i) / 12) + y / 4
                writer.write([luma.astype(np.uint8), chroma, chroma])

    def test_depth_job(self):
        report = mdvt.video_metric_convert(color_video=self.color, output=self.output,
                                           model=self.model(), batch=2, scene_scale=5)
        self.assertEqual((report.frames, report.width, report.height), (FRAMES, WIDTH, HEIGHT))
        self.assertEqual((report.model, report.model_license),
                         ("toy-depth-luminance", "Apache-2.0"))
        self.assertIsNone(report.fit_r_squared)
        first = next(mdvt.DepthVideoReader(self.output)).depth
        self.assertAlmostEqual(float(np.median(first)), 5, delta=0.05)
        again = mdvt.video_metric_convert(
            color_video=self.color, output=self.path("again.mkv"), model=self.model(),
            depth_video=self.output)
        self.assertGreater(again.fit_r_squared, 0.99)
        self.assertIs(again.fit_by_median, False)
        self.assertAlmostEqual(again.disparity_scale / report.disparity_scale, 1, delta=0.01)
        fitted = next(mdvt.DepthVideoReader(self.path("again.mkv"))).depth
        np.testing.assert_allclose(fitted, first, rtol=0.02)

    def test_mono_to_sbs_job(self):
        calls = []
        report = mdvt.mono_to_sbs(
            self.color, self.path("stereo.mp4"), model=self.model(), max_shift=8,
            dynamic_shift=False, layout="tab", progress=lambda p: calls.append(p.frames_done))
        self.assertEqual((report.frames, report.width, report.height),
                         (FRAMES, WIDTH, 2 * HEIGHT))
        self.assertEqual((report.mean_shift, report.scenes), (8, 1))
        self.assertEqual(calls[-1], FRAMES)
        self.assertEqual(len(list(mdvt.VideoReader(report.output))), FRAMES)

    def test_a_reference_needs_a_relative_model(self):
        self.assert_error(mdvt.Code.INVALID_ARGUMENT, "depth_video belongs to model",
                          mdvt.video_metric_convert, color_video=self.color, output=self.output,
                          depth_video="depth.mkv")
        self.assert_error(mdvt.Code.UNSUPPORTED, "", mdvt.video_metric_convert,
                          color_video=self.color, output=self.output, model=self.model("segment"))
        self.assert_error(mdvt.Code.REFUSED, "", mdvt.mono_to_sbs, self.color, self.path("s.mp4"),
                          model=self.model(), norm="metric")
        self.assertEqual(self.files(), ["clip.mkv"])


class WithoutNetworks(Case):
    def test_no_file_and_no_backend(self):
        self.assert_error(mdvt.Code.NOT_FOUND, "missing.pt", mdvt.Model, self.path("missing.pt"))
        path = self.path("net.nobody")
        pathlib.Path(path).write_bytes(b"x")
        self.assert_error(mdvt.Code.NOT_FOUND, "nobody", mdvt.Model, path, allow_unlisted=True)
        self.assert_error(mdvt.Code.INVALID_ARGUMENT, "device", mdvt.Model, path, device="cuda:x")

    def test_mono_to_sbs_from_motion(self):
        write_color(self.path("clip.mkv"))
        report = mdvt.mono_to_sbs(
            self.path("clip.mkv"), self.path("out.mkv"), preview=True, preview_every=3,
            sbs_w=2 * WIDTH, sbs_h=HEIGHT, fit="cover", contact_sheet=self.path("sheet.png"))
        self.assertEqual((report.frames, report.width, report.height), (2, 2 * WIDTH, HEIGHT))
        self.assertEqual(str(mdvt.read_image_file(self.path("sheet.png")).format), "rgb8")
        self.assertEqual(report.outputs, [self.path("out.mkv"), self.path("sheet.png")])

    def test_fit_survives_outliers(self):
        rng = np.random.default_rng(5)
        disparity = np.linspace(0.5, 4, 64 * 48, dtype=np.float32).reshape(48, 64)
        depth = (1 / (0.25 * disparity + 0.02)).astype(np.float32)
        reference = depth.copy()
        reference[:, :6] *= rng.uniform(3, 9, (48, 6)).astype(np.float32)
        reference[40:] = 0  # no data
        fit = mdvt.DisparityFit(max_step=10)
        self.assert_error(mdvt.Code.NOT_CONVERGED, "", fit.solve)
        # The row beside those without data is left out.
        self.assertEqual(fit.add(disparity, reference), 39 * 64)
        result = fit.solve()
        self.assertAlmostEqual(result.calibration.scale, 0.25, delta=1e-3)
        self.assertAlmostEqual(result.calibration.shift, 0.02, delta=1e-3)
        self.assertFalse(result.by_median)
        self.assertEqual(result.samples, 39 * 64)
        calibration = mdvt.calibrate_by_median(disparity, 6.0)
        self.assertAlmostEqual(calibration.scale * float(np.median(disparity)), 1 / 6, delta=1e-4)
        self.assertEqual(calibration.shift, 0)
        self.assert_error(mdvt.Code.INVALID_ARGUMENT, "max_step", mdvt.DisparityFit, max_step=0)

    def test_tensors_have_the_size_of_the_rule(self):
        rule = mdvt.SizeRule(mdvt.SizeMode.FIT, (56, 56), multiple=14)
        picture = np.full((48, 64, 3), 51, np.uint8)
        tensor = mdvt.picture_to_tensor(picture, rule, "bilinear")
        self.assertEqual((tensor.shape, tensor.dtype), ((1, 3, 42, 56), np.float32))
        np.testing.assert_allclose(tensor, 0.2, rtol=1e-6)
        back = mdvt.tensor_to_picture(tensor[0, 1], 48, 64, rule, "bilinear_align_corners")
        self.assertEqual((back.shape, back.dtype), ((48, 64), np.float32))
        np.testing.assert_allclose(back, 0.2, rtol=1e-6)
        invalid = mdvt.Code.INVALID_ARGUMENT
        self.assert_error(invalid, "resample", mdvt.picture_to_tensor, picture, rule)
        self.assert_error(invalid, "", mdvt.picture_to_tensor, picture, rule, "best")
        self.assert_error(invalid, "rule", mdvt.picture_to_tensor, picture, "cover", "bilinear")
        self.assert_error(invalid, "42 x 56", mdvt.tensor_to_picture, tensor, 48, 64, rule, "bilinear")
        self.assert_error(invalid, "target", mdvt.SizeRule, mdvt.SizeMode.FIT, (0, 5))


if __name__ == "__main__":
    unittest.main(verbosity=2)  # tells why a test is skipped
