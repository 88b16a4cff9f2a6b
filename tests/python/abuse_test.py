# SPDX-License-Identifier: Apache-2.0
"""What programs in Python do to a module: end while it works, fork, call back, make empty objects."""

import copy
import os
import pathlib
import pickle
import subprocess
import sys
import unittest

import numpy as np

import mdvt
from support import FRAMES, Case, write_color, write_depth


def run(program, *arguments):
    """Runs a program that has the same module; (status, stdout, stderr)."""
    package = pathlib.Path(mdvt.__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": f"{package}:{pathlib.Path(__file__).parent}"})
    return done.returncode, done.stdout, done.stderr


class Ends(Case):
    def test_the_interpreter_may_end_while_a_daemon_works(self):
        color = self.path("color.mkv")
        write_color(color, 300)
        program = (
            "import sys, threading, mdvt\n"
            "started = threading.Event()\n"
            "def job():\n"
            "    mdvt.mono_to_sbs(sys.argv[1], output=sys.argv[2], progress=lambda p: started.set())\n"
            "def read():\n"
            "    while True:\n"
            "        for frame in mdvt.VideoReader(sys.argv[1]): pass\n"
            "for work in (job, read, read):\n"
            "    threading.Thread(target=work, daemon=True).start()\n"
            "started.wait()\n"
            "print('end')\n")
        for i in range(3):
            out = self.path(f"out{i}.mp4")
            status, text, errors = run(program, color, out)
            errors = [line for line in errors.splitlines() if not line.startswith("mdvt: warning:")]
            self.assertEqual((status, text, errors), (0, "end\n", []))
            self.assertEqual(self.files(), ["color.mkv"])

    def test_what_is_used_at_exit_still_works(self):
        color = self.path("color.mkv")
        write_color(color)
        status, text, errors = run(
            "import sys, atexit\n"
            "atexit.register(lambda: print(sum(1 for _ in mdvt.VideoReader(sys.argv[1]))))\n"
            "import mdvt\n"
            "mdvt.set_log_sink(lambda level, text: None)\n", color)
        self.assertEqual((status, text, errors), (0, f"{FRAMES}\n", ""))


class Forks(Case):
    def test_objects_belong_to_the_process_that_made_them(self):
        color, depth = self.path("color.mkv"), self.path("depth.mkv")
        write_color(color)
        write_depth(depth)
        status, text, errors = run(
            "import os, sys, mdvt, numpy\n"
            "color, depth, out = sys.argv[1:]\n"
            "readers = [mdvt.VideoReader(color), mdvt.DepthVideoReader(depth)]\n"
            "for reader in readers: next(reader)\n"
            "writer = mdvt.VideoWriter(out, mdvt.PixelFormat.gray(), 64, 48, frame_rate=25)\n"
            "picture = numpy.zeros((48, 64), numpy.uint8)\n"
            "writer.write(picture)\n"
            "child = os.fork()\n"
            "if child == 0:\n"
            "    told = 0\n"
            "    for call in (*[reader.read for reader in readers], writer.finish, writer.discard,\n"
            "                 lambda: writer.write(picture)):\n"
            "        try: call()\n"
            "        except mdvt.Error as error: told += 'forked' in str(error)\n"
            "    del readers, writer, reader\n"
            "    fresh = sum(1 for _ in mdvt.VideoReader(color))\n"
            "    os._exit(10 * told + fresh)  # as multiprocessing ends its children\n"
            "status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])\n"
            "writer.write(picture)\n"
            "writer.finish()\n"
            "print(status, sum(1 for _ in mdvt.VideoReader(out)), sum(1 for _ in readers[0]))\n",
            color, depth, self.path("out.mkv"))
        self.assertEqual((status, text, errors), (0, f"{50 + FRAMES} 2 {FRAMES - 1}\n", ""))


class CallsBack(Case):
    def test_a_sink_may_set_a_sink_and_use_the_module(self):
        color = self.path("color.mkv")
        write_color(color)
        said = []

        def second(level, text):
            said.append("second")

        def first(level, text):
            with self.assertRaises(mdvt.Error):
                mdvt.VideoReader(self.path("gone.mkv"))
            mdvt.set_log_sink(second)
            said.append("first")

        mdvt.set_log_sink(first)
        self.addCleanup(mdvt.set_log_sink, None)
        for i in range(2):
            mdvt.video_metric_convert(color_video=color, output=self.path(f"{i}.mkv"), max_frames=2)
        self.assertEqual(said[0], "first")
        self.assertEqual(set(said[1:]), {"second"})


class Objects(unittest.TestCase):
    def test_are_not_made_without_values(self):
        made = 0
        for name, cls in vars(mdvt).items():
            if not isinstance(cls, type) or cls.__module__ != "mdvt._mdvt" or hasattr(cls, "__members__") or \
                    issubclass(cls, Exception):
                continue
            made += 1
            with self.assertRaises(TypeError, msg=name):
                cls.__new__(cls)
        self.assertGreater(made, 20)
        for work in (copy.copy, pickle.dumps):
            with self.assertRaises(TypeError):
                work(mdvt.Limits())
        self.assertIs(type(pickle.loads(pickle.dumps(mdvt.Code.IO))), mdvt.Code)

    def test_classes_may_have_subclasses(self):
        class Small(mdvt.Limits):
            def __new__(cls, *values, **names):
                return super().__new__(cls)

            def __init__(self, side):
                super().__init__(max_side=side)

        self.assertEqual(Small(7).max_side, 7)


class Paths(Case):
    def test_every_path_may_be_a_path(self):
        folder = pathlib.Path(self.folder)
        write_color(folder / "color.mkv")
        write_depth(folder / "depth.mkv")
        self.assertEqual(sum(1 for _ in mdvt.VideoReader(folder / "color.mkv")), FRAMES)
        self.assertEqual(sum(1 for _ in mdvt.DepthVideoReader(folder / "depth.mkv")), FRAMES)
        report = mdvt.stereo_rerender(depth_video=folder / "depth.mkv", color_video=folder / "color.mkv",
                                      output=folder / "out.mkv")
        self.assertEqual(report.output, str(folder / "out.mkv"))
        mdvt.add_backend_folder(folder)
        for call in (mdvt.VideoReader, mdvt.DepthVideoReader, mdvt.Model,
                     lambda path: mdvt.mono_to_sbs(path)):
            with self.assertRaises(mdvt.Error):
                call(folder / "gone\n.mkv")
            try:
                call(folder / "gone\n.mkv")
            except mdvt.Error as error:
                self.assertIn("gone\\n.mkv", str(error))


if __name__ == "__main__":
    unittest.main()
