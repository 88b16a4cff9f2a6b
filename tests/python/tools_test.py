# SPDX-License-Identifier: Apache-2.0
"""The tools as functions: their options by name, job files, reports, the description of them."""

import inspect
import json
import keyword
import os
import pathlib
import unittest

import numpy as np

import mdvt
from support import HEIGHT, WIDTH, Case, write_color, write_depth

INVALID = mdvt.Code.INVALID_ARGUMENT


class Options(Case):
    def setUp(self):
        super().setUp()
        self.color, self.depth = self.path("clip.mkv"), self.path("clip_depth.mkv")
        self.output = self.path("out.mkv")
        write_color(self.color)
        write_depth(self.depth)

    def stereo(self, **options):
        return mdvt.stereo_rerender(depth_video=self.depth, output=self.output, **options)

    def refused(self, text, **options):
        before = self.files()
        self.assert_error(INVALID, text, self.stereo, **options)
        self.assertEqual(self.files(), before)

    def pixels(self):
        return np.stack([frame.planes[0] for frame in mdvt.VideoReader(self.output)])

    def test_paths_may_be_of_any_kind(self):
        for kind in (str, pathlib.Path, os.fsencode):
            with self.subTest(kind):
                report = mdvt.stereo_rerender(depth_video=kind(self.depth),
                                              color_video=kind(self.color),
                                              output=kind(self.output))
                self.assertEqual(report.output, self.output)

    def test_names_that_are_not_utf8_work(self):
        name = os.path.join(os.fsencode(self.folder), b"caf\xe9.mkv")
        os.rename(self.depth, name)
        report = mdvt.stereo_rerender(depth_video=os.fsdecode(name), output=self.output)
        self.assertEqual(report.frames, 6)
        report = mdvt.stereo_rerender(depth_video=name)
        self.assertEqual(os.fsencode(report.output), name + b"_stereo.mkv")
        self.assertEqual(next(mdvt.DepthVideoReader(name)).depth.shape, (HEIGHT, WIDTH))
        self.assert_error(mdvt.Code.NOT_FOUND, "none", mdvt.VideoReader, name + b"none.mkv")

    def test_none_is_not_given(self):
        report = self.stereo(color_video=None, xfov=None, convergence=None, swap_eyes=None,
                             baseline_scale=None, pupillary_distance=None)
        self.assertEqual(report.frames, 6)
        plain = self.pixels()
        self.stereo()
        np.testing.assert_array_equal(self.pixels(), plain)

    def test_numbers_of_any_kind(self):
        self.stereo(pupillary_distance=100.0, threads=1)
        expected = self.pixels()
        for number in (100, np.float32(100), np.int64(100), np.uint8(100)):
            with self.subTest(type(number)):
                self.stereo(pupillary_distance=number, threads=np.int32(1))
                np.testing.assert_array_equal(self.pixels(), expected)

    def test_flags_are_bool(self):
        self.stereo(swap_eyes=True)
        swapped = self.pixels()
        self.stereo(swap_eyes=np.False_)
        plain = self.pixels()
        np.testing.assert_array_equal(swapped[:, :, :WIDTH], plain[:, :, WIDTH:])
        self.refused("swap_eyes is '1', must be on or off", swap_eyes=1)

    def test_texts_that_may_be_numbers(self):
        self.stereo(baseline_scale="0.5", pupillary_distance=120)
        half = self.pixels()
        self.stereo(baseline_scale=0.5, pupillary_distance=120)
        np.testing.assert_array_equal(self.pixels(), half)
        self.stereo(pupillary_distance=60)
        np.testing.assert_array_equal(self.pixels(), half)

    def test_choices_and_aliases(self):
        report = mdvt.mono_to_sbs(self.color, self.output, layout="half-tab", scene_cuts=False,
                                  cq=30, max_frames=2)
        self.assertEqual((report.frames, report.width, report.height), (2, WIDTH, HEIGHT))
        self.assert_error(INVALID, "cq and crf are the same option", mdvt.mono_to_sbs, self.color, cq=20, crf=20)
        self.assert_error(INVALID, "one of sbs|half-sbs|tab|half-tab", mdvt.mono_to_sbs,
                          self.color, layout="cube")

    def test_what_stands_without_a_name(self):
        report = mdvt.mono_to_sbs(pathlib.Path(self.color), self.output, preview=True)
        self.assertEqual(report.output, self.output)
        with self.assertRaisesRegex(TypeError, "takes 2"):
            mdvt.mono_to_sbs(self.color, self.output, "third")
        with self.assertRaisesRegex(TypeError, "input twice"):
            mdvt.mono_to_sbs(self.color, input=self.color)
        with self.assertRaisesRegex(TypeError, "takes 0"):
            mdvt.stereo_rerender(self.depth)

    def test_wrong_options_are_named(self):
        self.refused("unknown option 'pupilary_distance', did you mean pupillary_distance?",
                     pupilary_distance=65)
        self.refused("unknown option 'pupilary_distance'", pupilary_distance=None)
        self.refused("pupillary_distance is '-1', must be a number in [0, 1000]",
                     pupillary_distance=-1)
        self.refused("max_frames is '1.5', must be", max_frames=1.5)
        self.refused("threads is 'on', must be a whole number", threads=True)
        self.refused("pupillary_distance is a list", pupillary_distance=[65])
        self.refused("xfov", xfov=float("nan"))
        self.refused("color_video is '1', must be", color_video=1)
        self.refused("toe-in", convergence_mode="toe_in")
        self.refused("unknown option 'norm'", norm="ema")
        self.assert_error(INVALID, "depth_video is required", mdvt.stereo_rerender)
        self.assert_error(INVALID, "zero byte", mdvt.stereo_rerender, depth_video="a\0b")
        self.assert_error(mdvt.Code.NOT_FOUND, "missing", mdvt.stereo_rerender,
                          depth_video=self.path("missing.mkv"))

    def test_limits_hold(self):
        self.assert_error(mdvt.Code.LIMIT, "32 pixels", self.stereo, limits=mdvt.Limits(max_side=32))
        self.assertEqual(self.files(), ["clip.mkv", "clip_depth.mkv"])

    def test_an_existing_output_is_kept_on_demand(self):
        self.stereo()
        self.assert_error(mdvt.Code.IO, "out.mkv", self.stereo, overwrite=False)


class Reports(Case):
    def test_unknown_attributes_name_those_that_exist(self):
        write_depth(self.path("depth.mkv"))
        report = mdvt.stereo_rerender(depth_video=self.path("depth.mkv"))
        self.assertEqual(report.output, self.path("depth.mkv_stereo.mkv"))
        self.assertIn(f"{2 * WIDTH}x{HEIGHT}", report.summary)
        fields = {field["name"] for field in mdvt.tools()[1]["report"]}
        self.assertLessEqual(fields | {"frames", "output", "outputs", "summary"}, set(dir(report)))
        for field in fields:
            getattr(report, field)
        with self.assertRaisesRegex(AttributeError, "holes.*frames.*hole_share"):
            report.holes
        self.assertFalse(hasattr(report, "files"))


class JobFiles(Case):
    def setUp(self):
        super().setUp()
        write_depth(self.path("depth.mkv"))
        self.job = {"tool": "stereo_rerender",
                    "options": {"depth_video": self.path("depth.mkv"), "max_frames": 3,
                                "output": self.path("out.mkv"), "swap-eyes": True}}

    def write(self, job):
        path = pathlib.Path(self.path("job.json"))
        path.write_text(job if isinstance(job, str) else json.dumps(job), encoding="utf-8")
        return path

    def test_a_file_or_a_dict(self):
        self.assertEqual(mdvt.run_job(self.write(self.job)).frames, 3)
        self.assertEqual(mdvt.run_job(str(self.write(self.job))).frames, 3)
        self.job["options"]["depth_video"] = pathlib.Path(self.path("depth.mkv"))
        calls = []
        report = mdvt.run_job(self.job, progress=calls.append)
        self.assertEqual((report.output, calls[-1].frames_done), (self.path("out.mkv"), 3))

    def test_wrong_jobs_are_refused(self):
        corrupt = mdvt.Code.CORRUPT
        self.assert_error(mdvt.Code.NOT_FOUND, "none.json", mdvt.run_job, self.path("none.json"))
        self.assert_error(corrupt, "job.json", mdvt.run_job, self.write("{"))
        self.assert_error(corrupt, '{"tool"', mdvt.run_job, {"tool": "stereo_rerender"})
        self.assert_error(corrupt, "unknown key 'opts'", mdvt.run_job, {**self.job, "opts": 1})
        self.assert_error(INVALID, "only video_metric_convert, stereo_rerender", mdvt.run_job,
                          {**self.job, "tool": "stereo"})
        self.assert_error(INVALID, "did you mean depth_video?", mdvt.run_job,
                          {**self.job, "options": {"dept_video": "a"}})
        self.assert_error(mdvt.Code.CANCELLED, "", mdvt.run_job, self.job,
                          progress=lambda p: False)
        self.assertEqual(self.files(), ["depth.mkv", "job.json"])

    def test_limits_hold(self):
        self.assert_error(mdvt.Code.LIMIT, "32 pixels", mdvt.run_job, self.job,
                          limits=mdvt.Limits(max_side=32))


class Description(unittest.TestCase):
    def test_is_plain_data_for_a_form(self):
        self.assertEqual(json.loads(json.dumps(mdvt.tools())), mdvt.tools())
        functions = {tool["name"]: tool["function"] for tool in mdvt.tools()}
        self.assertEqual(functions["mono_to_sbs"], "mono_to_sbs")
        self.assertEqual(functions["3d_view_depthfile"], "view_depthfile_3d")
        options = {option["name"]: option for option in mdvt.tools()[2]["options"]}
        self.assertEqual(
            {key: options["fps"][key] for key in ("kind", "default", "min", "max", "also", "unit")},
            {"kind": "number", "default": 0.0, "min": 0.1, "max": 1000.0,
             "also": {"value": 0.0, "meaning": "every frame at its own time"}, "unit": "FPS"})
        self.assertEqual((options["xfov"]["open"], options["max_frames"]["max"]),
                         (["min", "max"], None))
        self.assertEqual((options["crf"]["aliases"], options["crf"]["default"]), (["cq"], 18))
        self.assertEqual((options["layout"]["choices"][:6], options["layout"]["default"]),
                         (["sbs", "half-sbs", "tab", "half-tab", "left", "right"], "sbs"))
        self.assertEqual((options["input"]["path"], options["input"]["required"],
                          options["input"]["position"]), ("input", True, 0))
        self.assertIsNone(options["max_shift"]["default"])
        self.assertIn("eightieth", options["max_shift"]["default_text"])

    def test_functions_tell_every_option(self):
        for tool in mdvt.tools():
            function = getattr(mdvt, tool["function"])
            parameters = inspect.signature(function).parameters
            names = [name for o in tool["options"] for name in [o["name"], *o["aliases"]]]
            self.assertEqual(set(parameters), {*names, "limits", "progress", "cancel"})
            self.assertFalse([name for name in names if keyword.iskeyword(name)])
            for option in tool["options"]:
                self.assertIn(f"  {option['name']}", function.__doc__)
                self.assertEqual(parameters[option["name"]].default is inspect.Parameter.empty,
                                 option["required"] and not option["aliases"])  # one of its names
            self.assertNotIn("--", function.__doc__)


if __name__ == "__main__":
    unittest.main()
