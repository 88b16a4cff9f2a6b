// SPDX-License-Identifier: Apache-2.0
//
// What Blender is told to do, in its own Python. Both scripts get one argument after "--", a
// folder, and write the file "answer" there: "ok" or one line that says what went wrong.
#pragma once

namespace mdvt {

// Answers "ok 4.2.0", or "no-alembic 3.4.1" for a Blender that cannot write it.
inline constexpr char kBlenderProbe[] = R"python(
import sys, bpy
folder = sys.argv[sys.argv.index("--") + 1]
word = "ok" if bpy.app.build_options.alembic else "no-alembic"
with open(folder + "/answer", "w") as answer:
    answer.write(word + " " + bpy.app.version_string)
)python";

// Reads scene.json and scene.bin, see AlembicExporter, and writes scene.abc and scene.blend.
inline constexpr char kBlenderScene[] = R"python(
import array, json, os, sys
import bpy
from mathutils import Matrix

folder = sys.argv[sys.argv.index("--") + 1]


def read(file, kind, count):
    values = array.array(kind)
    if count:
        values.fromfile(file, count)
    if sys.byteorder == "big":
        values.byteswap()
    return values


def add(name, data, parent):
    thing = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(thing)
    thing.parent = parent
    return thing


def make_camera(scene, file, clip, parent):
    lens = bpy.data.cameras.new("TrackedCamera")
    lens.sensor_fit = "HORIZONTAL"
    lens.sensor_width = 36
    lens.sensor_height = 36 * clip["height"] * clip["pixel_height"] / clip["width"]
    camera = add("TrackedCamera", lens, parent)
    camera.rotation_mode = "QUATERNION"
    scene.camera = camera
    rows = read(file, "d", clip["frames"] * 11)
    last = None
    for i in range(clip["frames"]):
        row = rows[i * 11 : i * 11 + 11]
        frame = int(row[0])
        camera.location = row[1:4]
        camera.rotation_quaternion = row[4:8]
        camera.keyframe_insert("location", frame=frame)
        camera.keyframe_insert("rotation_quaternion", frame=frame)
        lens.lens, lens.shift_x, lens.shift_y = row[8:11]
        if clip["lens_changes"]:
            for what in ("lens", "shift_x", "shift_y"):
                lens.keyframe_insert(what, frame=frame)


def make_geometry(file, clip, parent):
    points, triangles = clip["points"], clip["triangles"]
    mesh = bpy.data.meshes.new(clip["geometry"])
    mesh.vertices.add(points)
    mesh.vertices.foreach_set("co", read(file, "f", points * 3))
    colors = read(file, "f", points * 4)
    if triangles:
        mesh.loops.add(triangles * 3)
        mesh.loops.foreach_set("vertex_index", read(file, "i", triangles * 3))
        mesh.polygons.add(triangles)
        mesh.polygons.foreach_set("loop_start", array.array("i", range(0, triangles * 3, 3)))
        if bpy.app.version < (3, 6):  # later ones know it by where the next one starts
            mesh.polygons.foreach_set("loop_total", array.array("i", [3]) * triangles)
    mesh.update(calc_edges=True)
    mesh.color_attributes.new("Col", "BYTE_COLOR", "POINT")
    mesh.color_attributes["Col"].data.foreach_set("color_srgb", colors)
    thing = add(clip["geometry"], mesh, parent)
    if triangles:  # Alembic has colours at the corners of faces only
        bpy.context.view_layer.objects.active = thing
        mesh.color_attributes.active_color_index = 0
        bpy.ops.geometry.color_attribute_convert(domain="CORNER", data_type="BYTE_COLOR")


def main():
    with open(folder + "/scene.json") as file:
        clip = json.load(file)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.preferences.edit.keyframe_new_interpolation_type = "LINEAR"
    scene = bpy.context.scene
    render = scene.render
    render.fps, render.fps_base = clip["fps"], clip["fps_base"]
    render.resolution_x, render.resolution_y = clip["width"], clip["height"]
    render.pixel_aspect_x = max(1, 1 / clip["pixel_height"])
    render.pixel_aspect_y = max(1, clip["pixel_height"])
    scene.frame_start, scene.frame_end = clip["first"], clip["last"]
    turn = add("GlobalCorrection", None, None)
    turn.matrix_world = Matrix(((1, 0, 0, 0), (0, 0, 1, 0), (0, -1, 0, 0), (0, 0, 0, 1)))
    with open(folder + "/scene.bin", "rb") as file:
        make_geometry(file, clip, turn)
        make_camera(scene, file, clip, turn)
    scene.frame_set(clip["first"])
    bpy.ops.wm.alembic_export(filepath=folder + "/scene.abc", start=clip["first"],
                              end=clip["last"], vcolors=True, as_background_job=False)
    bpy.ops.wm.save_as_mainfile(filepath=folder + "/scene.blend", compress=True, copy=True)
    for name in ("scene.abc", "scene.blend"):
        if not os.path.getsize(folder + "/" + name):
            raise RuntimeError(name + " is empty")


try:
    main()
    answer = "ok"
except BaseException as error:
    answer = " ".join(("%s: %s" % (type(error).__name__, error)).split())
with open(folder + "/answer", "w") as file:
    file.write(answer)
)python";

}  // namespace mdvt
