#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The viewer of 3d_view_depthfile in a headless Chromium.

What the page draws is compared with what the program itself renders of the same viewpoint, and, from
the place of the filming camera, with the film. usage: viewer_test.py PROGRAM
"""
import contextlib
import functools
import http.server
import os
import random
import re
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from browser import Browser, find_chromium

PROGRAM = ""
WIDTH, HEIGHT, FRAMES, RATE = 320, 240, 60, 30
XFOV = 60


def encode(path, pixel_format, frames):
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", pixel_format, "-s",
         f"{WIDTH}x{HEIGHT}", "-r", str(RATE), "-i", "-", "-c:v", "ffv1", "-level", "3", path],
        input=b"".join(frames), check=True)


def make_clip(folder):
    """A box 2 m away, which moves to the right, before a wall at 4 m, in soft colours."""
    depths, colors = [], []
    for frame in range(FRAMES):
        depth, color = bytearray(), bytearray()
        left = 60 + 2 * frame
        for y in range(HEIGHT):
            for x in range(WIDTH):
                box = left <= x < left + 80 and 70 <= y < 170
                depth += struct.pack("<H", round((2 if box else 4) / 10 * 65025))
                color += bytes((220, 60 + x // 4, 40) if box else
                               (40 + x // 2, 90 + y // 3, 200 - x // 3))
        depths.append(bytes(depth))
        colors.append(bytes(color))
    encode(os.path.join(folder, "depth.mkv"), "gray16le", depths)
    encode(os.path.join(folder, "color.mkv"), "gbrp", [planar(c) for c in colors])
    return colors


def planar(rgb):
    return rgb[1::3] + rgb[2::3] + rgb[0::3]


def difference(a, b):
    """Mean difference in codes, and the share of pixels that are off by more than 24 in a channel."""
    assert len(a) == len(b)
    off = sum(1 for i in range(0, len(a), 3)
              if max(abs(a[i + k] - b[i + k]) for k in range(3)) > 24)
    return sum(abs(x - y) for x, y in zip(a, b)) / len(a), off / (len(a) / 3)


def reduced(rgb, width, height):
    """The means of blocks of 4 x 4 pixels."""
    return bytes(
        sum(rgb[3 * ((y + v) * width + x + u) + k] for v in range(4) for u in range(4)) // 16
        for y in range(0, height, 4) for x in range(0, width, 4) for k in range(3))


class Viewer:
    """The program, serving."""

    def __init__(self, folder, *options):
        self.process = subprocess.Popen(
            [PROGRAM, "--depth_video", "depth.mkv", "--color_video", "color.mkv", "--max_depth",
             "10", "--xfov", str(XFOV), *options],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = None
        for line in self.process.stdout:
            match = re.search(r"http://127\.0\.0\.1:\d+/[0-9a-f]{32}/", line)
            if match:
                self.url = match.group(0)
                return
        raise RuntimeError(f"the viewer does not start, status {self.process.wait()}")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait()
        self.process.stdout.close()
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()


VIEWPOINT = ("--x", "0.6", "--y", "-0.4", "--z", "-0.3", "--tx", "0", "--ty", "0", "--tz", "3",
             "--background_color", "3060a0", "--width", "400", "--height", "300")


class ViewerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temp = tempfile.TemporaryDirectory()
        cls.folder = cls.temp.name
        cls.colors = make_clip(cls.folder)
        cls.browser_context = Browser()
        cls.browser = cls.browser_context.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.browser_context.__exit__(None, None, None)
        cls.temp.cleanup()

    @contextlib.contextmanager
    def page(self, *options):
        """The page of a program, which is left before the program ends."""
        with Viewer(self.folder, *options) as viewer:
            self.browser.open(viewer.url)
            yield viewer
            self.browser.leave()
        self.assertEqual(self.browser.log, [])

    def rendered(self, frame, *options):
        """What the program renders of that frame."""
        output = os.path.join(self.folder, "rendered.mkv")
        subprocess.run(
            [PROGRAM, "--depth_video", "depth.mkv", "--color_video", "color.mkv", "--max_depth",
             "10", "--xfov", str(XFOV), "--render", "--output", output, "--supersampling", "2",
             *options],
            cwd=self.folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return subprocess.run(
            ["ffmpeg", "-v", "error", "-i", output, "-vf", f"select=eq(n\\,{frame})", "-frames:v",
             "1", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"],
            check=True, stdout=subprocess.PIPE).stdout

    def seek(self, frame):
        self.browser.run(f"viewer.seek({frame}).then((shown) => shown.number)")

    def press(self, key):
        for kind in ("keyDown", "keyUp"):
            self.browser.call("Input.dispatchKeyEvent", type=kind, key=key)

    def test_draws_what_the_program_renders(self):
        for options in (["--remove_edges"], [], ["--render_as_pointcloud"],
                        ["--remove_edges", "--show_camera", "--show_axes"],
                        ["--camera_path", "orbit", "--turns", "0.1"]):
            with self.subTest(options=options), self.page(*VIEWPOINT, *options):
                self.seek(25)
                width, height, seen = self.browser.canvas()
                self.assertEqual((width, height), (400, 300))
                rendered = self.rendered(25, *VIEWPOINT, *options)
                if "--render_as_pointcloud" in options:
                    # Which samples lie between two squares is a matter of the sampling alone.
                    seen, rendered = (reduced(rgb, width, height) for rgb in (seen, rendered))
                mean, off = difference(seen, rendered)
                print(f"{options}: mean difference {mean:.2f}, off {100 * off:.2f} %")
                self.assertLess(mean, 2)
                self.assertLess(off, 0.03)

    def test_shows_the_film_from_the_filming_camera(self):
        with self.page("--width", str(WIDTH), "--height", str(HEIGHT)):
            self.press("c")
            for frame in (0, 37, 59):
                self.seek(frame)
                self.browser.wait_for("viewer.camera.flight === null")
                _, _, seen = self.browser.canvas()
                mean, off = difference(seen, self.colors[frame])
                print(f"frame {frame} from its camera: mean difference {mean:.2f}, "
                      f"off {100 * off:.2f} %")
                self.assertLess(mean, 2)
                self.assertLess(off, 0.01)

    def test_plays_steps_and_moves(self):
        with self.page(*VIEWPOINT) as viewer:
            self.assertTrue(all(url.startswith((viewer.url, "data:", "blob:"))
                                for url in self.browser.requests), self.browser.requests)
            first = self.browser.canvas()
            self.press("ArrowRight")
            self.browser.wait_for("viewer.shown.number === 1")
            self.assertTrue(self.browser.canvas() != first)
            self.press("ArrowLeft")
            self.press("ArrowLeft")  # around the beginning
            self.browser.wait_for("viewer.shown.number === 59")
            self.assertIn("frame 60 of 60",
                          self.browser.run("document.getElementById('time').textContent"))
            self.press(" ")
            self.browser.wait_for("viewer.playing && viewer.shown.number > 3")
            self.press(" ")
            self.assertFalse(self.browser.run("viewer.playing"))
            self.seek(0)
            for kind, x in (("mousePressed", 100), ("mouseMoved", 180), ("mouseReleased", 180)):
                self.browser.call("Input.dispatchMouseEvent", type=kind, x=x, y=200, button="left",
                                  buttons=1, clickCount=1)
            moved = self.browser.canvas()
            self.assertGreater(difference(moved[2], first[2])[1], 0.05)
            self.press("r")
            self.browser.wait_for("viewer.camera.flight === null")
            self.assertTrue(self.browser.canvas() == first)  # not Equal: it would print a picture
            # Points, edges and what else there is to switch: all change the picture.
            for key in "ptfx":
                self.press(key)
                self.assertTrue(self.browser.canvas() != first, key)
                self.press(key)
                self.assertTrue(self.browser.canvas() == first, key)

    def test_scrubs_quickly_and_holds_few_frames(self):
        with self.page(*VIEWPOINT):
            order = list(range(FRAMES))
            random.Random(7).shuffle(order)
            times = [self.browser.run(f"""(async () => {{
                const begin = performance.now();
                await viewer.seek({frame});
                return performance.now() - begin; }})()""") for frame in order]
            print(f"scrub latency: median {statistics.median(times):.0f} ms, "
                  f"longest {max(times):.0f} ms, {WIDTH}x{HEIGHT}, software WebGL")
            self.assertLessEqual(self.browser.run("viewer.source.frames.size"), 34)
            # A jump gives up what was under way: the last one is shown, and nothing fails.
            self.browser.run("""(async () => {
                for (let i = 0; i < 59; ++i) viewer.seek(i);
                await viewer.seek(59); })()""")
            self.assertEqual(self.browser.run("viewer.shown.number"), 59)
            self.assertEqual(self.browser.run("document.getElementById('message').textContent"), "")

    def test_exports_the_same_page_for_any_server(self):
        with self.page(*VIEWPOINT, "--remove_edges"):
            self.seek(40)
            live = self.browser.canvas()
        subprocess.run(
            [PROGRAM, "--depth_video", "depth.mkv", "--color_video", "color.mkv", "--max_depth",
             "10", "--xfov", str(XFOV), "--export_html", "page", *VIEWPOINT, "--remove_edges"],
            cwd=self.folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        class Quiet(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_):
                pass

        handler = functools.partial(Quiet, directory=os.path.join(self.folder, "page"))
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.browser.open(f"http://127.0.0.1:{server.server_port}/#frame=18")
            self.browser.wait_for("viewer.shown.number === 17")
            self.seek(40)
            self.assertTrue(self.browser.canvas() == live)
            self.browser.leave()
            server.shutdown()
        self.assertEqual(self.browser.log, [])

    def test_ends_well_and_tells_the_page(self):
        with Viewer(self.folder, *VIEWPOINT) as viewer:
            self.browser.open(viewer.url)
            self.assertEqual(viewer.stop(), 0)
            self.browser.run("viewer.seek(30) && 1")
            self.browser.wait_for("document.getElementById('message').textContent.includes('ended')")
            self.browser.log.clear()  # the failed request


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    for needed, there in (("chromium", find_chromium()), ("ffmpeg", shutil.which("ffmpeg"))):
        if not there:
            print(f"skipped: {needed} is not installed")
            sys.exit(77)
    unittest.main(verbosity=2)
