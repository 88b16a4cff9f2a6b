#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every exporter that takes a clone, on a small network of the same interface, and each file in its program.

The programs are looked for in MDVT_PROGRAM_DIR; without it, or without LibTorch's plug-in, they are not run.
"""

import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

from exporters import skip_without_torch

skip_without_torch()

import torch

import common
import cotracker
import depth_anything_3
import depth_pro
import lama
import m2svid
import midas
import moge
import nvds
import promptda
import raft
import segment
import stand_ins
import stereocrafter
import tapir
import unidepth
import unik3d
import video_depth_anything

PROGRAMS = pathlib.Path(os.environ.get("MDVT_PROGRAM_DIR", "/nowhere"))


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def export(self, exporter, files, *options):
        """The written file as a module, and its metadata."""
        repo = stand_ins.write(self.folder / "clone", files)
        self.model = self.folder / "net.pt"
        stand_ins.run_exporter(exporter, "--repo", repo, "--random-weights", 3, "--out", self.model, *options)
        return self.load(self.model)

    @staticmethod
    def load(path):
        stored = {"mdvt.json": ""}
        module = torch.jit.load(str(path), _extra_files=stored)
        return module, json.loads(stored["mdvt.json"])

    def run_program(self, name, *options, clip=True, output="out.mkv"):
        """Runs a program of mdvt on a clip of six pictures; returns the path of what it wrote."""
        if not (PROGRAMS / name).exists() or not (PROGRAMS.parent / "lib" / "mdvt_torch.so").exists():
            self.skipTest(f"{name} or the backend mdvt_torch is not built")
        color = self.folder / "clip.mp4"
        if not color.exists():
            self.call("mdvt_make_demo_clip", "--output", color, "--width", 96, "--height", 64, "--frames", 6)
        out = self.folder / output
        self.call(name, *(["--color_video", color] if clip else []), "--output", out, "--threads", 2, *options)
        return out

    def call(self, name, *options):
        run = subprocess.run([PROGRAMS / name, *map(str, options)], capture_output=True, text=True, timeout=120)
        self.assertEqual(run.returncode, 0, f"{name} {options}: {run.stderr}")

    @staticmethod
    def xfovs(depth):
        return json.loads(pathlib.Path(f"{depth}_xfovs.json").read_text())

    def pictures(self, video, format="gray16le", width=96, height=64):
        raw = subprocess.run(["ffmpeg", "-v", "error", "-i", video, "-f", "rawvideo", "-pix_fmt", format, "-"],
                             capture_output=True, check=True).stdout
        kind = torch.frombuffer(bytearray(raw), dtype=torch.int16 if "16" in format else torch.uint8)
        return kind.reshape(-1, height, width).double()


class VideoDepthAnything(Case):
    def test_relative_and_metric_windows(self):
        module, meta = self.export(video_depth_anything, stand_ins.VIDEO_DEPTH_ANYTHING, "--input-size", 56)
        self.assertEqual((meta["kind"], meta["window"]["align"], meta["outputs"][0]["quantity"]),
                         ("depth_video", "scale_shift", "disparity"))
        frames = common.example((1, 32, 3, 28, 84), 5)
        with torch.no_grad(), common.without_profiling():
            depth = module(frames)
        self.assertEqual(tuple(depth.shape), (1, 32, 1, 28, 84))
        self.assertGreater(depth.std().item(), 1e-3)
        # What a frame gets depends on those before it: the window is one.
        self.assertGreater((depth[0, 0] - module(frames.flip(1))[0, 31]).abs().max().item(), 1e-4)

        _, meta = self.export(video_depth_anything, stand_ins.VIDEO_DEPTH_ANYTHING, "--metric")
        self.assertEqual((meta["window"]["align"], meta["outputs"][0]["scale"], meta["outputs"][0]["unit"]),
                         ("none", "metric", "m"))
        self.assertEqual(meta["inputs"][0]["size"]["target"], [518, 518])

    def test_a_stream_sees_what_the_original_loop_sees(self):
        module, meta = self.export(video_depth_anything, stand_ins.VIDEO_DEPTH_ANYTHING, "--stream")
        self.assertEqual((meta["kind"], meta["name"], meta["outputs"][0]["layout"]),
                         ("depth_stream", "video-depth-anything-vits-stream", "NCHW"))
        self.assertEqual([port["name"] for port in meta["inputs"]],
                         ["frame", "time", *(f"state{i}" for i in range(8))])
        # The original's list of what each frame left, which grows to 42 entries and then loses its second.
        repo = self.folder / "clone"
        network, _ = self.original(repo)
        wrapper = video_depth_anything.Wrapper(network).eval()
        frames = common.example((60, 3, 42, 28), 7)
        frames = frames * torch.linspace(0.2, 1, 60)[torch.randperm(60), None, None, None]  # each another
        states, entries = [torch.zeros(1, 1, 6)] * 8, []
        with torch.no_grad(), common.without_profiling():
            for number, frame in enumerate(frames[:, None]):
                seen = None
                if entries:
                    seen = [torch.cat([e[i] for e in entries[:2] + entries[-29:]], 1) for i in range(8)]
                features = wrapper.features(wrapper.normalize(frame))
                expected, fresh = network.head(features, 3, 2, 1, cached_hidden_state_list=seen)
                entries = entries + [fresh] if entries else [fresh] * 32
                if len(entries) > 42:
                    del entries[1]
                depth, *states = module(frame, torch.tensor([float(number)]), *states)
                error = (depth - torch.relu(expected)).abs().max().item()
                self.assertLess(error, 1e-5, number)
                self.assertEqual(states[0].shape[1], 42)
            first, *_ = module(frame, torch.tensor([0.0]), *[torch.zeros(1, 1, 6)] * 8)
        self.assertGreater((first - depth).abs().max().item(), 1e-4)  # what was before counts
        with self.assertRaisesRegex(common.ExportError, "cannot be written as .onnx"):
            self.export(video_depth_anything, stand_ins.VIDEO_DEPTH_ANYTHING, "--stream", "--out", "a.onnx")

    @staticmethod
    def original(repo):
        path, exporter = list(sys.path), sys.modules.pop("video_depth_anything")  # the clone's package has its name
        try:
            network, modules = exporter.build(str(repo), "vits", False)
        finally:
            sys.path[:] = path
            for name in [name for name in sys.modules if name.split(".")[0] == "video_depth_anything"]:
                del sys.modules[name]
            sys.modules["video_depth_anything"] = exporter
        common.fill_random(network, 3)
        torch.nn.init.constant_(network.head.scratch.output_conv2[2].bias, 3.0)
        return network.eval(), modules

    def test_a_stream_in_video_metric_convert(self):
        self.export(video_depth_anything, stand_ins.VIDEO_DEPTH_ANYTHING, "--stream", "--metric", "--input-size", 56)
        depth = self.run_program("video_metric_convert", "--model", self.model, "--vda_mode", "stream")
        self.assertEqual(self.pictures(depth).shape[0], 6)
        self.assertGreater(self.pictures(depth).std().item(), 0)
        wrong = subprocess.run([PROGRAMS / "video_metric_convert", "--color_video", self.folder / "clip.mp4", "--output",
                                self.folder / "no.mkv", "--model", self.model, "--vda_mode", "window"],
                               capture_output=True, text=True, timeout=120)
        self.assertEqual(wrong.returncode, 3, wrong.stderr)
        self.assertIn('needs "depth_video"', wrong.stderr)

    def test_in_video_metric_convert(self):
        self.export(video_depth_anything, stand_ins.VIDEO_DEPTH_ANYTHING, "--metric", "--input-size", 56)
        depth = self.run_program("video_metric_convert", "--model", self.model)
        self.assertEqual(self.pictures(depth).shape[0], 6)
        self.assertGreater(self.pictures(depth).std().item(), 0)


class Segment(Case):
    def test_first_output_of_both_families(self):
        for name, files, side in (("u2netp", stand_ins.U2NET, 320), ("isnet", stand_ins.ISNET, 64)):
            options = [] if side == 320 else ["--input-size", side]
            module, meta = self.export(segment, files, "--model", name, *options)
            self.assertEqual(meta["inputs"][0]["size"]["target"], [side, side])
            mask = module(common.example((2, 3, side, side), 4))
            self.assertEqual(tuple(mask.shape), (2, 1, side, side))
            self.assertTrue(0 < mask.min() and mask.max() < 1)

    def test_in_create_video_mask(self):
        self.export(segment, stand_ins.U2NET, "--model", "u2netp", "--input-size", 64)
        mask = self.run_program("create_video_mask", "--model", self.model, "--soft")
        self.assertEqual(self.pictures(mask, "gray").shape[0], 6)
        self.assertGreater(self.pictures(mask, "gray").std().item(), 1)


class Flow(Case):
    CONFIG = {"dim": 4, "iters": 2, "scale": -1, "use_var": True, "var_min": 0, "var_max": 10}

    def test_raft(self):
        module, meta = self.export(raft, stand_ins.RAFT, "--small", "--iterations", 3)
        self.assertEqual((meta["kind"], meta["fixed"], meta["name"]), ("flow", {"iterations": 3}, "raft-small"))
        a, b = common.example((3, 3, 136, 160), 1), common.example((3, 3, 136, 160), 2)
        flow = module(a, b)
        self.assertEqual(tuple(flow.shape), (3, 2, 136, 160))
        self.assertGreater(flow.std().item(), 0.01)

    def test_sea_raft_at_half_size(self):
        config = self.folder / "config.json"
        config.write_text(json.dumps(self.CONFIG))
        module, meta = self.export(raft, stand_ins.SEA_RAFT, "--config", config)
        self.assertEqual((meta["inputs"][1]["size"]["multiple"], meta["inputs"][0]["size"]["min"]), (16, [256, 256]))
        flow, unsure = module(*(common.example((1, 3, 272, 288), seed) for seed in (1, 2)))
        self.assertEqual((tuple(flow.shape), tuple(unsure.shape)), ((1, 2, 272, 288), (1, 1, 272, 288)))
        with self.assertRaisesRegex(common.ExportError, "needs --config"):
            self.export(raft, stand_ins.SEA_RAFT)

    def test_in_optical_flow(self):
        self.export(raft, stand_ins.RAFT, "--small", "--iterations", 1)
        flow = self.run_program("optical_flow", "--model", self.model)
        self.assertGreater(self.pictures(flow, "gray").std().item(), 0)


class Track(Case):
    def test_any_number_of_frames_and_points(self):
        module, meta = self.export(cotracker, stand_ins.COTRACKER, "--size", 64, 96, "--iterations", 2)
        self.assertEqual((meta["window"]["length"], meta["window"]["dynamic"]), (60, True))
        for frames, points in ((3, 1), (11, 9), (60, 2)):
            (clip, queries), = common.track_examples((64, 96), cotracker.PIXEL_CENTER, (frames, points))
            tracks, visible, confidence = module(clip, queries)
            self.assertEqual(tuple(tracks.shape), (1, frames, points, 2))
            self.assertEqual((tuple(visible.shape), tuple(confidence.shape)), ((1, frames, points),) * 2)

    def test_in_track_points_in_video(self):
        self.export(cotracker, stand_ins.COTRACKER, "--size", 64, 96, "--iterations", 1)
        out = self.run_program("track_points_in_video", "--tracker", "cotracker3", "--model", self.model,
                               output="tracks.json")
        self.assertGreater(out.stat().st_size, 200)


class Tapir(Case):
    def test_any_number_of_frames_and_points(self):
        for model, size in (("tapir", (256, 256)), ("bootstapir", (256, 320))):
            module, meta = self.export(tapir, stand_ins.TAPIR, "--model", model, "--size", *size)
            self.assertEqual((meta["kind"], meta["name"], meta["pixel_center"]), ("track", model, 0.5))
            self.assertEqual(meta["fixed"]["resolutions"], "256x256" + (" 256x320" if model == "bootstapir" else ""))
            (frames, queries), = common.track_examples(size, tapir.PIXEL_CENTER, (11, 9))
            tracks, visible, sure = module(frames, queries)
            self.assertEqual((tuple(tracks.shape), tuple(visible.shape)), ((1, 11, 9, 2), (1, 11, 9)))
            self.assertTrue((visible <= sure).all() and 0.5 < visible.min() and visible.max() < 1)
            # The same points in another order, and fewer frames of the rest alike.
            flipped, _, _ = module(frames, queries.flip(1))
            self.assertLess((flipped.flip(2) - tracks).abs().max().item(), 1e-4)
            self.assertGreater(tracks.std(1).max().item(), 0.01)
        with self.assertRaisesRegex(common.ExportError, "cannot be written as .onnx"):
            self.export(tapir, stand_ins.TAPIR, "--out", "a.onnx")

    def test_features_are_sampled_as_in_the_original(self):
        # Upstream's words: bilinear at (t + 0.5, y, x) of D pixels, the border repeated.
        features = common.example((1, 4, 6, 5, 3), 1)
        points = torch.tensor([[[0.0, 0.5, 0.5], [3.0, 2.5, 4.5], [1.0, 3.0, 2.0], [2.0, -1.0, 9.0]]])
        expected = torch.stack([features[0, 0, 0, 0], features[0, 3, 2, 4], features[0, 1, 2:4, 1:3].mean((0, 1)),
                                features[0, 2, 0, 4]])
        self.assertLess((tapir.map_coordinates_3d(features, points)[0] - expected).abs().max().item(), 1e-6)

    def test_in_track_points_in_video(self):
        self.export(tapir, stand_ins.TAPIR, "--model", "tapir")
        tracks = json.loads(self.run_program("track_points_in_video", "--tracker", "tapir", "--weights", self.model,
                                             output="tracks.json").read_text())
        self.assertTrue(tracks)


class PromptDa(Case):
    def test_keeps_the_range_of_the_prompt(self):
        module, meta = self.export(promptda, stand_ins.PROMPT_DA, "--encoder", "vits", "--input-size", 84)
        self.assertEqual([port["name"] for port in meta["inputs"]], ["image", "prompt"])
        self.assertEqual((meta["outputs"][0]["scale"], meta["inputs"][0]["size"]["target"]), ("affine", [84, 84]))
        image, prompt = common.example((3, 3, 28, 70), 1), common.example((3, 1, 28, 70), 2)
        depth = module(image, prompt)
        self.assertEqual(tuple(depth.shape), (3, 1, 28, 70))
        self.assertTrue(0 < depth.min() and depth.max() < 1)
        self.assertGreater((depth - module(image, 1 - prompt)).abs().max().item(), 0.1)

    def test_in_upscale_depth_promptda(self):
        self.export(promptda, stand_ins.PROMPT_DA, "--encoder", "vits", "--input-size", 84)
        small = self.small_depth()
        depth = self.run_program("upscale_depth_promptda", "--depth_video", small, "--model", self.model)
        self.assertEqual(self.pictures(depth, "gray").shape, (6, 64, 96))

    def small_depth(self):
        """Depth of 24 x 16 pixels, as a network gives it."""
        self.run_program("video_metric_convert", output="whole.mkv")
        small = self.folder / "small.mkv"
        subprocess.run(["ffmpeg", "-v", "error", "-i", self.folder / "whole.mkv", "-vf", "scale=24:16:flags=neighbor",
                        "-c:v", "ffv1", small], check=True)
        return small


class Inpaint(Case):
    def test_paints_inside_the_mask_alone(self):
        module, meta = self.export(lama, stand_ins.LAMA)
        self.assertEqual(meta["kind"], "inpaint")
        (image, mask), = lama.examples((72, 56))
        painted = module(image, mask)
        self.assertTrue(torch.equal(painted * (1 - mask), image * (1 - mask)))
        self.assertGreater(((painted - image) * mask).abs().max().item(), 0.01)

    def test_takes_the_generator_of_a_training_checkpoint(self):
        self.export(lama, stand_ins.LAMA)
        network = self.load(self.model)[0].network
        state = {f"generator.{key}": value for key, value in network.state_dict().items()}
        state["discriminator.weight"] = torch.zeros(3)
        torch.save({"state_dict": state, "callbacks": {pathlib.PurePosixPath("a"): {}}}, self.folder / "best.ckpt")
        options = ["--repo", self.folder / "clone", "--checkpoint", self.folder / "best.ckpt", "--out",
                   self.folder / "net.pt"]
        with self.assertRaisesRegex(common.ExportError, "--trust-checkpoint"):
            stand_ins.run_exporter(lama, *options)
        stand_ins.run_exporter(lama, *options, "--trust-checkpoint")
        module, meta = self.load(self.folder / "net.pt")
        self.assertEqual(meta["source"]["sha256"], common.file_hash(self.folder / "best.ckpt"))
        (image, mask), = lama.examples((48, 48))
        self.assertLess((module(image, mask) - lama.Wrapper(network)(image, mask)).abs().max().item(), 1e-5)

    def test_in_apply_inpainting(self):
        self.export(lama, stand_ins.LAMA)
        mask = self.folder / "mask.png"
        subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=black:s=96x64,format=gray,drawbox="
                        "x=30:y=20:w=20:h=12:color=white:t=fill", "-frames:v", "1", mask], check=True)
        options = ["--mask", mask, "--model", self.model, "--temporal", "off"]
        with_model = self.pictures(self.run_program("apply_inpainting", *options), "gray")
        without = self.pictures(self.run_program("apply_inpainting", *options[:2], *options[4:], output="b.mkv"), "gray")
        self.assertGreater((with_model - without)[:, 22:30, 34:46].abs().max().item(), 3)


class SinglePictures(Case):
    def test_unidepth_with_and_without_the_camera(self):
        for rays in (False, True):
            options = ["--rays"] if rays else []
            module, meta = self.export(unidepth, stand_ins.UNIDEPTH, "--encoder", "vits", "--size", 56, 84, *options)
            self.assertEqual([port["name"] for port in meta["inputs"]], ["image", "rays"] if rays else ["image"])
            self.assertEqual(meta["source"]["license"], "CC-BY-NC-4.0")
            inputs, = common.camera_examples((56, 84), rays)[1:]
            depth, camera = module(*inputs)
            self.assertEqual((tuple(depth.shape), tuple(camera.shape)), ((2, 1, 56, 84), (2, 3, 3)))

    def test_unidepth_in_unidepth_video(self):
        self.export(unidepth, stand_ins.UNIDEPTH, "--encoder", "vits", "--size", 56, 84, "--rays")
        depth = self.run_program("unidepth_video", "--model", self.model, "--xfov", 60)
        self.assertGreater(self.pictures(depth).std().item(), 0)

    def test_depth_anything_3_puts_sky_behind(self):
        module, meta = self.export(depth_anything_3, stand_ins.DEPTH_ANYTHING_3, "--input-size", 56)
        self.assertEqual((meta["outputs"][0]["scale"], meta["outputs"][0]["focal_ref"]), ("metric_times_focal", 300))

        class Fixed(torch.nn.Module):
            def forward(self, image):
                depth = torch.arange(1.0, 201).reshape(1, 1, 10, 20)
                return [depth, (depth <= 100).float() * self.sky]

        fixed = Fixed()
        fixed.sky = 0.3
        depth = depth_anything_3.Wrapper(fixed)(torch.zeros(1, 3, 10, 20)).flatten()
        # 99 % of the way through the hundred values 101 .. 200 that are left.
        self.assertTrue((depth[:100] == 199).all() and (depth[100:] == torch.arange(101.0, 201)).all())
        fixed.sky = 0.29
        depth = depth_anything_3.Wrapper(fixed)(torch.zeros(1, 3, 10, 20)).flatten()
        self.assertTrue((depth == torch.arange(1.0, 201)).all())

    def test_depth_anything_3_in_video_metric_convert(self):
        self.export(depth_anything_3, stand_ins.DEPTH_ANYTHING_3, "--input-size", 56)
        depth = self.run_program("video_metric_convert", "--model", self.model, "--xfov", 60)
        self.assertGreater(self.pictures(depth).std().item(), 0)


    def test_unik3d_with_and_without_the_camera(self):
        for rays in (False, True):
            options = ["--rays"] if rays else []
            module, meta = self.export(unik3d, stand_ins.UNIK3D, "--encoder", "vits", "--size", 56, 84, *options)
            self.assertEqual([port["name"] for port in meta["inputs"]], ["image", "rays"] if rays else ["image"])
            self.assertEqual((meta["source"]["license"], meta["outputs"][0]["scale"]), ("CC-BY-NC-4.0", "metric"))
            inputs, = common.camera_examples((56, 84), rays)[1:]
            result = module(*inputs)
            depth, found = (result, None) if rays else result
            self.assertEqual(tuple(depth.shape), (2, 1, 56, 84))
            if rays:  # z, not the distance
                turned = torch.cat([-inputs[1][:, :2], inputs[1][:, 2:]], 1)
                self.assertGreater((module(inputs[0], turned) - depth).abs().max().item(), 1e-3)
            else:
                self.assertEqual(tuple(found.shape), (2, 3, 56, 84))

    def test_unik3d_in_unik3d_video(self):
        self.export(unik3d, stand_ins.UNIK3D, "--encoder", "vits", "--size", 56, 84)
        depth = self.run_program("unik3d_video", "--model", self.model)
        self.assertGreater(self.pictures(depth).std().item(), 0)
        self.assertLess(max(abs(xfov - 2 * math.degrees(math.atan(0.5 / 0.8))) for xfov in self.xfovs(depth)), 1e-3)
        self.export(unik3d, stand_ins.UNIK3D, "--encoder", "vits", "--size", 56, 84, "--rays")
        other = self.run_program("unik3d_video", "--model", self.model, "--xfov", 30, output="other.mkv")
        self.assertLess(max(abs(xfov - 30) for xfov in self.xfovs(other)), 1e-9)
        self.assertGreater((self.pictures(other) - self.pictures(depth)).abs().max().item(), 0)

    def test_moge_finds_the_camera_of_points(self):
        image = torch.zeros(2, 3, 84, 126)
        places = moge.view_plane(image, 126, 84)
        self.assertAlmostEqual(places[0, :, -1, -1].norm().item(), 1, delta=0.02)
        z = 2 + torch.sin(8 * places[:, :1]) * torch.cos(5 * places[:, 1:])
        focal, shift = torch.tensor([1.4, 0.9]), torch.tensor([0.6, -0.4])  # two pictures in one batch
        z, places = z.expand(2, -1, -1, -1), places.expand(2, -1, -1, -1)
        points = torch.cat([places * z / focal.reshape(2, 1, 1, 1), z - shift.reshape(2, 1, 1, 1)], 1)
        mask = (places[:, 1:] > -0.3).float()
        points = torch.where(mask > 0, points, torch.full_like(points, 1e6))  # sky, which must not count
        found = moge.focal_and_shift(points, mask, places)
        self.assertLess((found[0].flatten() - focal).abs().max().item(), 1e-5)
        self.assertLess((found[1].flatten() - shift).abs().max().item(), 1e-5)
        # With a focal length that is given, the best shift for it.
        given = moge.focal_and_shift(points, mask, places, focal.reshape(2, 1, 1).double())[1]
        self.assertLess((given.flatten() - shift).abs().max().item(), 1e-5)
        # Where nothing is seen.
        none = moge.focal_and_shift(points, 0 * mask, places)
        self.assertEqual((none[0].flatten().tolist(), none[1].flatten().tolist()), ([1, 1], [0, 0]))

    def test_moge_with_and_without_the_camera(self):
        module, meta = self.export(moge, stand_ins.MOGE)
        size, depth = meta["inputs"][0]["size"], meta["outputs"][0]
        self.assertEqual((size["rule"], size["min_pixels"], size["max_pixels"]), ("area", 48 * 196, 48 * 196))
        self.assertEqual((depth["quantity"], depth["scale"], meta["source"]["license"]), ("disparity", "metric", "MIT"))
        image = common.example((2, 3, 98, 70), 5)  # no example
        disparity, camera = module(image)
        self.assertEqual((tuple(disparity.shape), tuple(camera.shape)), ((2, 1, 98, 70), (2, 3, 3)))
        sky = (disparity == 0).float().mean().item()
        self.assertTrue(0.02 < sky < 0.98, sky)
        self.assertTrue((camera[:, 0, 0] > 0).all() and torch.equal(camera[:, 0, 0], camera[:, 1, 1]))
        self.assertEqual(camera[0, :2, 2].tolist(), [35, 49])

        told, meta = self.export(moge, stand_ins.MOGE, "--rays", "--tokens", 20)
        self.assertEqual([len(meta["inputs"]), len(meta["outputs"]), meta["inputs"][1]["size"]["max_pixels"]],
                         [2, 1, 20 * 196])

        def rays(factor):
            x = torch.cat([moge.view_plane(image, 70, 98).expand(2, -1, -1, -1),
                           torch.ones(2, 1, 98, 70) * (camera[:, :1, :1, None] * factor * 2 / math.hypot(98, 70))], 1)
            return torch.nn.functional.normalize(x, dim=1)

        # Told what it finds itself it says the same.
        self.assertLess((told(image, rays(1)) - disparity).abs().max().item(), 1e-4 * disparity.max().item())
        self.assertGreater((told(image, rays(1.5)) - disparity).abs().max().item(), 1e-2 * disparity.max().item())

    def test_moge_takes_the_network_from_the_checkpoint(self):
        config = {**json.loads(stand_ins.MOGE["configs/train/v2.json"])["model"], "num_tokens_range": [10, 30]}
        del config["normal_head"]
        path, finish = self.folder / "model.pt", common.finish

        def keep(wrapper, *rest, **options):
            torch.save({"model_config": config, "model": wrapper.network.state_dict()}, path)
            finish(wrapper, *rest, **options)

        with unittest.mock.patch.object(common, "finish", keep):
            first, _ = self.export(moge, stand_ins.MOGE)
        call = ["--repo", self.folder / "clone", "--checkpoint", path, "--out", self.folder / "again.pt"]
        stand_ins.run_exporter(moge, *call)
        again, meta = self.load(self.folder / "again.pt")
        self.assertEqual(meta["inputs"][0]["size"]["max_pixels"], 30 * 196)
        image = common.example((1, 3, 56, 84), 5)
        self.assertTrue(torch.equal(first(image)[0], again(image)[0]))
        del config["scale_head"]
        torch.save({"model_config": config, "model": {}}, path)
        with self.assertRaisesRegex(common.ExportError, "is not of MoGe-2"):
            stand_ins.run_exporter(moge, *call)

    def test_moge_in_moge_video(self):
        self.export(moge, stand_ins.MOGE)
        depth = self.run_program("moge_video", "--model", self.model, "--max_depth", 50)
        found = self.xfovs(depth)
        self.assertTrue(len(found) == 6 and 5 < found[0] < 175, found)
        pictures = self.pictures(depth)
        self.assertGreater(pictures.std().item(), 0)

    def test_depth_pro_in_depthpro_video(self):
        _, meta = self.export(depth_pro, stand_ins.DEPTH_PRO, "--encoder", "vits")
        depth = meta["outputs"][0]
        self.assertEqual((depth["quantity"], depth["scale"], depth["focal_ref"]),
                         ("disparity", "metric_times_focal", 1536))
        found = self.run_program("depthpro_video", "--model", self.model)
        self.assertTrue(all(10 < xfov < 170 for xfov in self.xfovs(found)))
        self.assertGreater(self.pictures(found).std().item(), 0)

    def test_dpt_at_one_size(self):
        module, meta = self.export(midas, stand_ins.MIDAS_DPT, "--model", "dpt_hybrid_384", "--size", 64, 96)
        size = meta["inputs"][0]["size"]
        self.assertEqual((size["rule"], size["target"], size["dynamic"]), ("fixed", [64, 96], False))
        depth = module(common.example((1, 3, 64, 96), 5))
        self.assertEqual(tuple(depth.shape), (1, 1, 64, 96))
        self.assertGreater(depth.std().item(), 0)
        found = self.run_program("video_metric_convert", "--model", self.model, "--scene_scale", 5)
        self.assertGreater(self.pictures(found).std().item(), 0)


class Nvds(Case):
    def export_halves(self, *size):
        self.export(nvds, stand_ins.NVDS, "--size", *size, "--head-out", self.folder / "head.pt")
        return self.load(self.model), self.load(self.folder / "head.pt")

    def test_halves_are_the_whole(self):
        (backbone, meta), (head, head_meta) = self.export_halves(32, 64)
        self.assertEqual((meta["role"], head_meta["role"], meta["group"]), ("backbone", "head", head_meta["group"]))
        features = [backbone(common.example((1, 4, 32, 64), seed)) for seed in range(4)]
        self.assertEqual(tuple(features[0].shape), (1, 256, 8, 16))
        disparity = head(*features, common.example((1, 3, 32, 64), 9))
        self.assertEqual(tuple(disparity.shape), (1, 1, 32, 64))
        self.assertGreaterEqual(disparity.min().item(), 0)
        self.assertGreater((disparity > 0).float().mean().item(), 0.5)  # else the last ReLU would hide mistakes

    def test_in_stabilize_depth(self):
        self.export_halves(64, 96)
        color, depth = self.folder / "clip.mp4", self.folder / "depth.mkv"
        if (PROGRAMS / "mdvt_make_demo_clip").exists():
            self.call("mdvt_make_demo_clip", "--output", color, "--depth_output", depth, "--width", 96, "--height", 64,
                      "--frames", 6)
        out = self.run_program("stabilize_depth", "--depth_video", depth, "--stabilizer", "nvds", "--nvds_backbone",
                               self.model, "--nvds_head", self.folder / "head.pt")
        self.assertEqual(self.pictures(out).shape[0], 6)
        self.assertGreater((self.pictures(out) - self.pictures(depth)).abs().max().item(), 0)


class StereoCrafter(Case):
    def export_parts(self):
        clone = stand_ins.write(self.folder / "clone", stand_ins.DIFFUSERS)
        sys.path.insert(0, clone)
        try:
            stand_ins.run_exporter(stereocrafter, "--svd", f"{clone}/svd", "--unet", f"{clone}/unet", "--out-folder",
                                   self.folder, "--random-weights", 1)
        finally:
            sys.path.remove(clone)
        return {role: self.load(self.folder / f"stereocrafter-{role}.pt") for role in stereocrafter.ROLES}

    def test_four_parts_of_one_group(self):
        parts = self.export_parts()
        self.assertEqual({meta["group"] for _, meta in parts.values()}, {"stereocrafter"})
        self.assertEqual(parts["unet"][1]["scheduler"]["prediction"], "v")
        latent = parts["vae_encoder"][0](common.example((5, 3, 64, 192), 1))
        self.assertEqual(tuple(latent.shape), (5, 4, 8, 24))
        self.assertEqual(tuple(parts["vae_decoder"][0](latent).shape), (5, 3, 64, 192))
        self.assertEqual(tuple(parts["image_encoder"][0](torch.zeros(1, 3, 224, 224)).shape), (1, 1, 16))

    def test_in_stereo_crafter_infill(self):
        self.export_parts()
        video, mask = self.folder / "sbs.mkv", self.folder / "mask.mkv"
        for path, source in ((video, "testsrc=s=256x64:r=24"),
                             (mask, "color=black:s=256x64:r=24,drawbox=x=160:y=20:w=16:h=24:color=white:t=fill")):
            subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-frames:v", "4", "-c:v", "ffv1",
                            "-pix_fmt", "gbrp", path], check=True)
        out = self.run_program("stereo_crafter_infill", "--sbs_color_video", video, "--sbs_mask_video", mask, "--model",
                               self.folder, "--num_inference_steps", 2, "--match_colors", "off", "--tile_width", 128,
                               "--tile_height", 64, "--overlap", 0, clip=False)
        changed = (self.pictures(out, "gray", 256, 64) - self.pictures(video, "gray", 256, 64)).abs()
        self.assertEqual(changed.shape[0], 4)
        self.assertGreater(changed[:, 24:40, 164:172].mean().item(), 5)
        self.assertLess(changed[:, :, :120].mean().item(), 3)


class M2Svid(Case):
    OPTIONS = ("--size", 64, 64, "--frames", 4, "--carry", 1)

    def test_looks_at_all_inputs(self):
        module, meta = self.export(m2svid, stand_ins.M2SVID, *self.OPTIONS)
        self.assertEqual((meta["kind"], meta["window"]), ("inpaint", {"length": 4, "overlap": 1}))
        inputs = m2svid.examples((64, 64), 4)[0]
        result = module(*inputs)
        self.assertEqual(tuple(result.shape), (1, 4, 3, 64, 64))
        self.assertTrue(torch.equal(result, module(*inputs)))  # no noise
        for number, other in enumerate(m2svid.examples((64, 64), 4)[1]):
            changed = list(inputs)
            changed[number] = other
            self.assertGreater((module(*changed) - result).abs().max().item(), 1e-3)

    def test_takes_holes_of_every_size(self):
        frames, mask, clip = m2svid.examples((64, 64), 4)[0]
        inputs, expected = [], []
        for columns in (0, 1, 5, 8):
            mask = torch.zeros_like(mask)
            mask[..., :columns] = 1
            inputs.append((frames, mask, clip))
        finish = common.finish

        def compare_with_upstreams(network, *rest, **options):
            video = sys.modules["sgm.modules.video_attention"]
            video.selected_attn = video.upstreams
            with torch.no_grad():
                expected.extend(network.eval()(*tensors) for tensors in inputs)
            video.selected_attn = m2svid.selected_attention
            finish(network, *rest, **options)

        with unittest.mock.patch.object(common, "finish", compare_with_upstreams):
            module, _ = self.export(m2svid, stand_ins.M2SVID, *self.OPTIONS)
        for tensors, original in zip(inputs, expected):
            self.assertLess((module(*tensors) - original).abs().max().item(), 1e-5)
        self.assertGreater((expected[0] - expected[2]).abs().max().item(), 1e-3)

    def test_in_stereo_crafter_infill(self):
        self.export(m2svid, stand_ins.M2SVID, *self.OPTIONS)
        video, mask, clip = self.folder / "sbs.mkv", self.folder / "mask.mkv", self.folder / "color.mkv"
        for path, text in ((video, "testsrc=s=256x64:r=24"), (clip, "testsrc=s=128x64:r=24"),
                           (mask, "color=black:s=256x64:r=24,drawbox=x=160:y=20:w=16:h=24:color=white:t=fill")):
            subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", text, "-frames:v", "6", "-c:v", "ffv1",
                            "-pix_fmt", "gbrp", path], check=True)
        out = self.run_program("stereo_crafter_infill", "--sbs_color_video", video, "--sbs_mask_video", mask, "--model",
                               self.model, "--color_video", clip, "--match_colors", "off", "--blend_rim", "off",
                               "--overlap", 0, clip=False)
        changed = (self.pictures(out, "gray", 256, 64) - self.pictures(video, "gray", 256, 64)).abs()
        self.assertEqual(changed.shape[0], 6)
        self.assertGreater(changed[:, 24:40, 164:172].mean().item(), 5)
        self.assertLess(changed[:, :, :120].mean().item(), 3)


class Errors(Case):
    def test_name_what_is_missing(self):
        for exporter, part in ((video_depth_anything, "video_depth_anything/video_depth.py"), (raft, "core/raft.py"),
                               (segment, "model/u2net.py"),
                               (m2svid, "m2svid/models_for_sgm/m2svid_model.py"),
                               (lama, "saicinpainting/training/modules/ffc.py"),
                               (cotracker, "cotracker/models/core"),
                               (promptda, "promptda/promptda.py"), (tapir, "tapnet/torch/tapir_model.py")):
            with self.assertRaisesRegex(common.ExportError, f"has no {part}.*give the folder of the clone"):
                self.export(exporter, {"README": ""})
            self.assertFalse(self.model.exists())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
