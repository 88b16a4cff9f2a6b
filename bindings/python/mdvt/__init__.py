# SPDX-License-Identifier: Apache-2.0
"""Metric depth and stereo video from any video.

Arrays are numpy arrays that share memory with the library wherever their strides allow. Depth is
H x W float32 in metres, 0 where nothing is known. Work runs without Python's lock, and Ctrl-C ends a
job cleanly: nothing appears under an output's name before it is whole. Failures raise mdvt.Error,
whose `code` tells what kind it was.

A clip, its depth, and both eyes of its first frame:

>>> import os, tempfile, mdvt, numpy
>>> folder = tempfile.mkdtemp()
>>> clip, depth_clip = os.path.join(folder, "clip.mkv"), os.path.join(folder, "clip_depth.mkv")
>>> rgb = numpy.zeros((48, 64, 3), numpy.uint8)
>>> rgb[..., 0] = numpy.arange(64) * 4
>>> with mdvt.VideoWriter(clip, mdvt.PixelFormat.rgb(), 64, 48, frame_rate=24) as writer:
...     for _ in range(5):
...         writer.write(rgb)
>>> metres = numpy.full((48, 64), 4.0, numpy.float32)
>>> with mdvt.DepthVideoWriter(depth_clip, 64, 48, xfov_deg=60, frame_rate=24) as writer:
...     for _ in range(5):
...         writer.write(metres)
>>> frame = next(mdvt.VideoReader(clip))
>>> depth = next(mdvt.DepthVideoReader(depth_clip)).depth
>>> camera = mdvt.Camera.from_fov(frame.width, frame.height, xfov_deg=60)
>>> eyes = mdvt.StereoRenderer(baseline=0.065).render(frame, depth, camera, convergence=4.0)
>>> bool((eyes.left.image.array() == rgb).all())  # all of it lies at the convergence distance
True

The same for the whole clip, from files to a file, as the program of that name does it:

>>> report = mdvt.stereo_rerender(depth_video=depth_clip, color_video=clip)
>>> report.frames, report.width, report.height
(5, 128, 48)
>>> os.path.basename(report.output)
'clip_depth.mkv_stereo.mkv'
"""

from ._mdvt import *  # noqa: F401,F403
from ._mdvt import __version__  # noqa: F401
from ._tools import *  # noqa: F401,F403
from . import _classes

_classes.guard_all()
del _classes
