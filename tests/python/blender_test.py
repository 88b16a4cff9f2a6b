# SPDX-License-Identifier: Apache-2.0
"""What Blender makes for --save_alembic, and whether it opens the other formats. MDVT_TEST_BLENDER names
another Blender than that of PATH; those of distributions are often built without Alembic."""

import json
import os
import shutil
import stat
import subprocess
import unittest

import numpy as np

import mdvt
from exports_test import ExportCase
from support import FRAMES, HEIGHT, RATE, WIDTH

BLENDER = os.environ.get("MDVT_TEST_BLENDER") or shutil.which("blender")
TO_BLENDER = np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])

LOOK = """
import bpy, json, sys
folder = sys.argv[sys.argv.index("--") + 1]
try:
    import numpy
except ImportError as error:
    json.dump({"lacks": str(error)}, open(folder + "/seen.json", "w"))
    sys.exit()
# Debian's importer of glTF asks for names that its NumPy no longer has.
numpy.bool, numpy.int, numpy.float = bool, int, float

def look(frames):
    found = {}
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        graph = bpy.context.evaluated_depsgraph_get()
        for thing in bpy.context.scene.objects:
            real = thing.evaluated_get(graph)
            about = found.setdefault(thing.type, {})
            about.setdefault("matrices", []).append([list(row) for row in real.matrix_world])
            if thing.type == "CAMERA":
                about.setdefault("lens", []).append(real.data.lens)
                about["sensor"] = [real.data.sensor_width, real.data.shift_x, real.data.shift_y]
            if thing.type == "MESH":
                mesh = real.data
                about["points"] = [list(point.co) for point in mesh.vertices]
                about["faces"] = len(mesh.polygons)
                about["colors"] = [list(c.color_srgb) for layer in mesh.color_attributes
                                   for c in layer.data][:300]
                about["corners"] = [loop.vertex_index for loop in mesh.loops][:300]
    found["range"] = [bpy.context.scene.frame_start, bpy.context.scene.frame_end]
    found["rate"] = bpy.context.scene.render.fps / bpy.context.scene.render.fps_base
    return found

def empty():
    bpy.ops.wm.read_factory_settings(use_empty=True)

%s
"""


@unittest.skipIf(BLENDER is None, "Blender is not installed")
class Blender(ExportCase):
    def look(self, script):
        """What a script says about what it has loaded."""
        with open(self.path("look.py"), "w") as file:
            file.write(LOOK % script)
        result = subprocess.run(
            [BLENDER, "--background", "-noaudio", "--python", self.path("look.py"), "--", self.folder],
            capture_output=True, text=True)
        self.assertTrue(os.path.exists(self.path("seen.json")), result.stdout + result.stderr)
        with open(self.path("seen.json")) as file:
            seen = json.load(file)
        if "lacks" in seen:
            self.skipTest("Blender's Python: " + seen["lacks"])
        return seen

    def alembic(self, **options):
        before = self.files()
        try:
            return self.export(save_alembic=True, blender=BLENDER, **options)
        except mdvt.Error as error:
            self.assertEqual(error.code, mdvt.Code.UNSUPPORTED)
            self.assertIn("without Alembic", str(error))
            self.assertEqual(self.files(), before)
            self.skipTest(str(error))

    def test_alembic(self):
        with open(self.path("fov.json"), "w") as file:
            json.dump([50 + i for i in range(FRAMES)], file)
        report = self.alembic(xfov=None, xfov_file=self.path("fov.json"), min_frames=1)
        self.assertEqual((report.frames, report.files), (FRAMES - 1, 2))
        output = self.depth + "_alembic.abc"
        self.assertEqual(list(report.outputs), [output, output + ".blend"])
        seen = self.look("""
frames = range(2, %d)
bpy.ops.wm.open_mainfile(filepath=folder + "/depth.mkv_alembic.abc.blend")
answer = {"blend": look(frames)}
empty()
bpy.context.scene.render.fps = %d
bpy.ops.wm.alembic_import(filepath=folder + "/depth.mkv_alembic.abc", as_background_job=False)
answer["abc"] = look(frames)
json.dump(answer, open(folder + "/seen.json", "w"))
""" % (FRAMES + 1, RATE))
        lenses = [18 / np.tan(np.radians(50 + i) / 2) for i in range(1, FRAMES)]
        self.assertEqual(seen["blend"]["range"], [2, FRAMES])
        self.assertAlmostEqual(seen["blend"]["rate"], RATE)
        np.testing.assert_allclose(seen["blend"]["CAMERA"]["lens"], lenses, rtol=1e-5)
        self.camera = mdvt.Camera.from_fov(WIDTH, HEIGHT, xfov_deg=51)
        points = self.world_points(1)
        for file in seen.values():
            for i, matrix in enumerate(file["CAMERA"]["matrices"]):
                np.testing.assert_allclose(
                    matrix, TO_BLENDER @ self.poses[i + 1] @ np.diag([1, -1, -1, 1]), atol=1e-4)
            np.testing.assert_allclose(file["CAMERA"]["sensor"], [36, 0, 0], atol=1e-4)
            self.assertAlmostEqual(file["CAMERA"]["lens"][0], lenses[0], places=3)
            mesh = file["MESH"]
            np.testing.assert_allclose(mesh["points"], points, atol=1e-5)
            self.assertEqual(mesh["faces"], 2 * (WIDTH - 1) * (HEIGHT - 1))
            np.testing.assert_allclose(mesh["matrices"][0], TO_BLENDER, atol=1e-5)
            self.assertEqual(len(mesh["colors"]), len(mesh["corners"]))
        self.export(save_ply=self.path("ply"), max_frames=1, min_frames=1)
        with open(self.path("ply/0000001.ply"), "rb") as file:
            rgb = np.frombuffer(file.read().partition(b"end_header\n")[2],
                                np.dtype([("xyz", "<f4", 3), ("rgb", "u1", 3)]))["rgb"]
        for file in seen.values():
            np.testing.assert_allclose(np.array(file["MESH"]["colors"])[:, :3] * 255,
                                       rgb[file["MESH"]["corners"]], atol=1.01)

    def test_failures_leave_nothing(self):
        def fake(text):
            with open(self.path("fake"), "w") as file:
                file.write("#!/bin/sh\n" + text)
            os.chmod(self.path("fake"), stat.S_IRWXU)
            return self.path("fake")

        def fails(code, text, program):
            before = self.files()
            self.assert_error(code, text, self.export, save_alembic=True, blender=program)
            self.assertEqual(self.files(), before)

        fails(mdvt.Code.NOT_FOUND, "no program 'no-such-blender'", "no-such-blender")
        fails(mdvt.Code.UNSUPPORTED, "ended with status 3 and the words 'so what'",
              fake("echo so what; exit 3\n"))
        answers = """for folder; do :; done
case "$*" in *probe*) echo {} > "$folder/answer";; *) echo {} > "$folder/answer";; esac
"""
        fails(mdvt.Code.UNSUPPORTED, "(Blender 9.9) was built without Alembic",
              fake(answers.format("no-alembic 9.9", "ok")))
        fails(mdvt.Code.UNSUPPORTED, "RuntimeError: no room",
              fake(answers.format("ok 9.9", "RuntimeError: no room")))
        # One that says that all is well and has written nothing.
        fails(mdvt.Code.IO, "what Blender wrote cannot be read", fake(answers.format("ok 9.9", "ok")))

    def test_opens_clouds_and_meshes(self):
        self.export(save_ply=self.path("ply"), save_obj=self.path("obj"), save_glb=self.path("glb"),
                    save_camera=self.path("camera.glb"), max_frames=2, axes="blender")
        seen = self.look("""
answer = {}
empty()
bpy.ops.import_scene.gltf(filepath=folder + "/glb/0000001.glb")
answer["glb"] = look([1])
empty()
bpy.context.scene.render.fps = %d
bpy.ops.import_scene.gltf(filepath=folder + "/camera.glb")
answer["camera"] = look([0, 1])
empty()
(bpy.ops.wm.obj_import)(filepath=folder + "/obj/0000001.obj", forward_axis="Y", up_axis="Z")
answer["obj"] = look([1])
empty()
if bpy.app.version < (4, 0):
    bpy.ops.import_mesh.ply(filepath=folder + "/ply/0000001.ply")
else:
    bpy.ops.wm.ply_import(filepath=folder + "/ply/0000001.ply")
answer["ply"] = look([1])
json.dump(answer, open(folder + "/seen.json", "w"))
""" % RATE)
        points = self.world_points(1) @ TO_BLENDER[:3, :3].T
        for name, file in seen.items():
            if name == "camera":
                # Seconds become frames; the camera of glTF has y up, as Blender's.
                for i, matrix in enumerate(file["CAMERA"]["matrices"]):
                    np.testing.assert_allclose(
                        matrix, TO_BLENDER @ self.poses[i] @ np.diag([1, -1, -1, 1]), atol=1e-3)
                continue
            mesh = file["MESH"]
            matrix = np.array(mesh["matrices"][0])
            np.testing.assert_allclose(np.array(mesh["points"]) @ matrix[:3, :3].T + matrix[:3, 3],
                                       points, atol=2e-5, err_msg=name)
            self.assertEqual(mesh["faces"], 0 if name == "ply" else 2 * (WIDTH - 1) * (HEIGHT - 1))


if __name__ == "__main__":
    unittest.main()
