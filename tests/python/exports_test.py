# SPDX-License-Identifier: Apache-2.0
"""Every format of convert_metric_depth_video_to_other_format, read back by NumPy, json, struct and, where
it is installed, by a second program."""

import json
import os
import shutil
import struct
import subprocess
import unittest

import numpy as np

import mdvt
from support import FRAMES, HEIGHT, RATE, WIDTH, Case, write_color, write_depth

XFOV = 60


def pose_of(frame):
    """Turned about y by 10 degrees a frame, a tenth of a metre to the right a frame."""
    angle = np.radians(10 * frame)
    pose = np.eye(4)
    pose[0, 0] = pose[2, 2] = np.cos(angle)
    pose[0, 2] = np.sin(angle)
    pose[2, 0] = -np.sin(angle)
    pose[:3, 3] = (0.1 * frame, 0, 0)
    return pose


def rotation(w, x, y, z):
    return np.array([[1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                     [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                     [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]])


def read_glb(path):
    with open(path, "rb") as file:
        data = file.read()
    magic, version, length, size, kind = struct.unpack_from("<4sIII4s", data)
    assert (magic, version, length, kind) == (b"glTF", 2, len(data), b"JSON")
    root = json.loads(data[20:20 + size])
    size_of_bytes, kind = struct.unpack_from("<I4s", data, 20 + size)
    assert kind == b"BIN\0" and 28 + size + size_of_bytes == len(data)
    return root, data[28 + size:]


def accessor(root, data, index):
    about = root["accessors"][index]
    view = root["bufferViews"][about["bufferView"]]
    kind = {5126: np.float32, 5125: np.uint32}[about["componentType"]]
    width = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}[about["type"]]
    values = np.frombuffer(data, kind, about["count"] * width, view["byteOffset"])
    return values.reshape(about["count"], width)


class ExportCase(Case):
    """A clip with a camera that moves."""

    def setUp(self):
        super().setUp()
        self.color = self.path("color.mkv")
        self.depth = self.path("depth.mkv")
        write_color(self.color)
        write_depth(self.depth)
        self.poses = np.array([pose_of(i) for i in range(FRAMES)])
        mdvt.write_transformations_file(self.path("poses.json"), self.poses)
        self.camera = mdvt.Camera.from_fov(WIDTH, HEIGHT, xfov_deg=XFOV)
        self.stored = [frame.depth for frame in mdvt.DepthVideoReader(self.depth)]

    def export(self, **options):
        options.setdefault("xfov", XFOV)
        return mdvt.convert_metric_depth_video_to_other_format(
            depth_video=self.depth, color_video=self.color,
            transformation_file=self.path("poses.json"), **options)

    def world_points(self, frame):
        z = self.stored[frame]
        v, u = np.mgrid[:HEIGHT, :WIDTH] + 0.5
        c = self.camera
        points = np.stack([(u - c.cx) / c.fx * z, (v - c.cy) / c.fy * z, z], axis=-1)[z > 0]
        return points @ self.poses[frame][:3, :3].T + self.poses[frame][:3, 3]


class Exports(ExportCase):
    def test_arrays(self):
        report = self.export(save_npz=self.path("npz"), frame_step=2)
        names = [f"{i:07d}.npz" for i in range(0, FRAMES, 2)]
        self.assertEqual(sorted(os.listdir(self.path("npz"))), names)
        self.assertEqual((report.frames, report.files), (len(names), len(names)))
        for i, name in zip(range(0, FRAMES, 2), names):
            with np.load(os.path.join(self.path("npz"), name)) as arrays:
                np.testing.assert_array_equal(arrays["depth"], self.stored[i])
                np.testing.assert_allclose(arrays["world_from_cam"], self.poses[i], atol=1e-12)
                np.testing.assert_allclose(
                    arrays["intrinsics"], [[self.camera.fx, 0, self.camera.cx],
                                           [0, self.camera.fy, self.camera.cy], [0, 0, 1]])
                self.assertEqual((arrays["rgb"].shape, arrays["rgb"].dtype),
                                 ((HEIGHT, WIDTH, 3), np.uint8))

    def test_pictures(self):
        self.export(save_png=self.path("png"), save_exr=self.path("exr"))
        for i in (0, FRAMES - 1):
            millimetres = mdvt.read_image_file(os.path.join(self.path("png"), f"{i:07d}.png")).array()
            self.assertEqual(millimetres.dtype, np.uint16)
            np.testing.assert_array_equal(
                millimetres, np.minimum(np.floor(self.stored[i] * np.float32(1000) + 0.5), 65535))
        self.assertEqual(len(os.listdir(self.path("exr"))), FRAMES)
        if shutil.which("ffmpeg") is None:
            self.skipTest("ffmpeg is not installed: OpenEXR is not read back")
        raw = subprocess.run(
            ["ffmpeg", "-v", "error", "-i", os.path.join(self.path("exr"), "0000001.exr"),
             "-f", "rawvideo", "-pix_fmt", "grayf32le", "-"], check=True, capture_output=True).stdout
        np.testing.assert_array_equal(np.frombuffer(raw, np.float32).reshape(HEIGHT, WIDTH),
                                      self.stored[1])

    def test_textured_meshes(self):
        self.export(save_glb=self.path("glb"), max_frames=2)
        root, data = read_glb(os.path.join(self.path("glb"), "0000001.glb"))
        primitive = root["meshes"][0]["primitives"][0]
        points = accessor(root, data, primitive["attributes"]["POSITION"])
        texture = accessor(root, data, primitive["attributes"]["TEXCOORD_0"])
        corners = accessor(root, data, primitive["indices"])
        self.assertEqual(len(points), len(texture))
        self.assertLess(corners.max(), len(points))
        matrix = np.array(root["nodes"][0]["matrix"]).reshape(4, 4).T
        in_world = points @ matrix[:3, :3].T + matrix[:3, 3]
        np.testing.assert_allclose(in_world * (1, -1, -1), self.world_points(1), atol=1e-5)
        v, u = np.mgrid[:HEIGHT, :WIDTH] + 0.5
        seen = self.stored[1] > 0
        np.testing.assert_allclose(texture, np.stack([u[seen] / WIDTH, v[seen] / HEIGHT], axis=-1),
                                   atol=1e-6)
        np.testing.assert_allclose(root["accessors"][primitive["attributes"]["POSITION"]]["max"],
                                   points.max(axis=0), rtol=1e-6)
        picture = root["bufferViews"][root["images"][0]["bufferView"]]
        with open(self.path("texture.png"), "wb") as file:
            file.write(data[picture["byteOffset"]:picture["byteOffset"] + picture["byteLength"]])
        self.assertEqual(mdvt.read_image_file(self.path("texture.png")).array().shape,
                         (HEIGHT, WIDTH, 3))

    def test_the_moving_camera(self):
        with open(self.path("fov.json"), "w") as file:
            json.dump([50 + i for i in range(FRAMES)], file)
        self.export(save_camera=self.path("camera.glb"), save_tum=self.path("path.txt"), xfov=None,
                    xfov_file=self.path("fov.json"))
        root, data = read_glb(self.path("camera.glb"))
        values = {}
        for channel in root["animations"][0]["channels"]:
            sampler = root["animations"][0]["samplers"][channel["sampler"]]
            values[channel["target"]["path"]] = accessor(root, data, sampler["output"])
            seconds = accessor(root, data, sampler["input"])
        np.testing.assert_allclose(seconds[:, 0], np.arange(FRAMES) / RATE, atol=1e-3)
        np.testing.assert_allclose(values["translation"] * (1, -1, -1), self.poses[:, :3, 3],
                                   atol=1e-6)
        flip = np.diag([1, -1, -1])
        for i, (x, y, z, w) in enumerate(values["rotation"].astype(float)):
            np.testing.assert_allclose(flip @ rotation(w, x, y, z) @ flip, self.poses[i, :3, :3],
                                       atol=1e-6)
        heights = [2 * np.arctan(np.tan(np.radians(50 + i) / 2) * HEIGHT / WIDTH)
                   for i in range(FRAMES)]
        np.testing.assert_allclose(values["pointer"][:, 0], heights, rtol=1e-6)

        path = np.loadtxt(self.path("path.txt"))
        self.assertEqual(path.shape, (FRAMES, 8))
        np.testing.assert_allclose(path[:, 0], np.arange(FRAMES) / RATE, atol=1e-3)
        np.testing.assert_allclose(path[:, 1:4], self.poses[:, :3, 3], atol=1e-12)
        x, y, z, w = path[2, 4:]
        np.testing.assert_allclose(rotation(w, x, y, z), self.poses[2, :3, :3], atol=1e-9)

    def test_the_scene(self):
        self.export(save_scene=self.path("scene.ply"), voxel_size=0.05)
        with open(self.path("scene.ply"), "rb") as file:
            head, _, data = file.read().partition(b"end_header\n")
        count = int(head.split(b"element vertex ")[1].split()[0])
        kind = np.dtype([("xyz", "<f4", 3), ("rgb", "u1", 3)])
        cloud = np.frombuffer(data, kind)
        self.assertEqual(len(cloud), count)
        points = np.concatenate([self.world_points(i) for i in range(FRAMES)])
        cubes = np.unique(np.floor(points / 0.05).astype(int), axis=0)
        # Points on the very border of a cube may fall to either side.
        self.assertAlmostEqual(count / len(cubes), 1, delta=0.002)
        np.testing.assert_allclose(cloud["xyz"].mean(axis=0).astype(float),
                                   (cubes.mean(axis=0) + 0.5) * 0.05, atol=0.02)

    def test_colmap(self):
        self.export(save_colmap=self.path("colmap"), voxel_size=0.1)
        model = os.path.join(self.path("colmap"), "sparse", "0")
        self.assertEqual(sorted(os.listdir(model)),
                         sorted(f"{name}.{ending}" for name in ("cameras", "images", "points3D")
                                for ending in ("bin", "txt")))
        self.assertEqual(len(os.listdir(os.path.join(self.path("colmap"), "images"))), FRAMES)
        with open(os.path.join(model, "cameras.txt")) as file:
            fields = file.read().splitlines()[1].split()
        self.assertEqual(fields[:4], ["1", "PINHOLE", str(WIDTH), str(HEIGHT)])
        self.assertAlmostEqual(float(fields[4]), self.camera.fx)
        with open(os.path.join(model, "images.txt")) as file:
            lines = file.read().splitlines()[2::2]
        for i, line in enumerate(lines):
            q = [float(word) for word in line.split()[1:5]]
            t = [float(word) for word in line.split()[5:8]]
            world_from_cam = np.eye(4)
            world_from_cam[:3, :3] = rotation(*q).T
            world_from_cam[:3, 3] = -rotation(*q).T @ t
            np.testing.assert_allclose(world_from_cam, self.poses[i], atol=1e-9)
            self.assertEqual(line.split()[9], f"{i:07d}.png")
        # The binary files say the same.
        with open(os.path.join(model, "cameras.bin"), "rb") as file:
            self.assertEqual(struct.unpack("<QiiQQ", file.read(32)), (1, 1, 1, WIDTH, HEIGHT))
        with open(os.path.join(model, "images.bin"), "rb") as file:
            count, number, *q = struct.unpack("<Qi4d", file.read(44))
        self.assertEqual((count, number), (FRAMES, 1))
        np.testing.assert_allclose(rotation(*q).T, self.poses[0, :3, :3], atol=1e-12)
        with open(os.path.join(model, "points3D.txt")) as file:
            points = len(file.read().splitlines()) - 1
        self.assertEqual(os.path.getsize(os.path.join(model, "points3D.bin")), 8 + 51 * points)
        if shutil.which("colmap") is None:
            self.skipTest("COLMAP is not installed: its model is not read by COLMAP")
        text = subprocess.run(["colmap", "model_analyzer", "--path", model], check=True,
                              capture_output=True, text=True, env={**os.environ, "QT_QPA_PLATFORM":
                                                                   "offscreen"})
        self.assertIn(f"Registered images: {FRAMES}", text.stdout + text.stderr)
        # COLMAP reads the binary files where there are both, and writes what it understood.
        os.mkdir(self.path("text"))
        subprocess.run(["colmap", "model_converter", "--input_path", model, "--output_path",
                        self.path("text"), "--output_type", "TXT"], check=True, capture_output=True,
                       env={**os.environ, "QT_QPA_PLATFORM": "offscreen"})

        def numbers(path):
            with open(path) as file:
                rows = [line.split() for line in file if line.strip() and line[0] != "#"]
            return sorted([[float(word) for word in row[:-1] if word != "PINHOLE"] for row in rows])

        for name in ("cameras.txt", "images.txt", "points3D.txt"):
            np.testing.assert_allclose(numbers(os.path.join(self.path("text"), name)),
                                       numbers(os.path.join(model, name)), atol=1e-6)

    def test_nerfstudio(self):
        self.export(save_nerfstudio=self.path("nerf"))
        with open(os.path.join(self.path("nerf"), "transforms.json")) as file:
            scene = json.load(file)
        self.assertEqual((scene["w"], scene["h"]), (WIDTH, HEIGHT))
        self.assertAlmostEqual(scene["fl_x"], self.camera.fx)
        self.assertEqual(len(scene["frames"]), FRAMES)
        z_up = np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
        np.testing.assert_array_equal(scene["applied_transform"], z_up[:3])
        for i, frame in enumerate(scene["frames"]):
            self.assertTrue(os.path.exists(os.path.join(self.path("nerf"), frame["file_path"])))
            self.assertTrue(os.path.exists(os.path.join(self.path("nerf"),
                                                        frame["depth_file_path"])))
            np.testing.assert_allclose(frame["transform_matrix"],
                                       z_up @ self.poses[i] @ np.diag([1, -1, -1, 1]), atol=1e-12)
        self.assertTrue(os.path.exists(os.path.join(self.path("nerf"), scene["ply_file_path"])))

    def test_axes(self):
        turns = {"opencv": np.eye(3), "opengl": np.diag([1, -1, -1]),
                 "blender": np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])}
        for axes, turn in turns.items():
            self.export(save_obj=self.path("obj"), save_ply=self.path("ply"), axes=axes,
                        save_scene=self.path("scene.ply"), min_frames=1, max_frames=1)
            points = self.world_points(1) @ turn.T
            with open(self.path("obj/0000001.obj")) as file:
                lines = [line.split() for line in file]
            np.testing.assert_allclose([[float(x) for x in line[1:4]] for line in lines if line[0] == "v"],
                                       points, rtol=1e-5, atol=1e-5)
            for name in ("ply/0000001.ply", "scene.ply"):
                with open(self.path(name), "rb") as file:
                    cloud = np.frombuffer(file.read().partition(b"end_header\n")[2],
                                          np.dtype([("xyz", "<f4", 3), ("rgb", "u1", 3)]))["xyz"]
                if name != "scene.ply":
                    np.testing.assert_allclose(cloud, points, atol=1e-5)
                for bound in (np.min, np.max):  # the scene has one point of each cube, in any order
                    np.testing.assert_allclose(bound(cloud, axis=0), bound(points, axis=0), atol=0.03)

    def test_paths_need_poses(self):
        for name in ("scene", "camera", "tum", "colmap", "nerfstudio"):
            self.assert_error(mdvt.Code.INVALID_ARGUMENT, "transformation_file",
                              mdvt.convert_metric_depth_video_to_other_format,
                              depth_video=self.depth, xfov=XFOV,
                              **{"save_" + name: self.path("x." + name)})


if __name__ == "__main__":
    unittest.main()
