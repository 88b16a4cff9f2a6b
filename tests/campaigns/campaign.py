# SPDX-License-Identifier: Apache-2.0
"""What the campaigns beside it share: clips, runs of programs, the count at the end."""

import argparse
import hashlib
import os
import pathlib
import random
import subprocess
import sys
import tempfile

# The programs that make a video, with what they need: {color} and {depth} are clips, {out} a folder.
JOBS = {
    "video_metric_convert": ["--color_video", "{color}", "--xfov", "60", "--output", "{out}/depth.mkv",
                             "--transformation_output", "{out}/path.json"],
    "stereo_rerender": ["--depth_video", "{depth}", "--color_video", "{color}", "--infill_mask",
                        "--output", "{out}/eyes.mkv"],
    "convert_metric_depth_video_to_other_format": ["--depth_video", "{depth}", "--bit8", "--save_ply",
                                                   "{out}/ply", "--output", "{out}/gray.mkv"],
    "mono_to_sbs": ["--input", "{color}", "--output", "{out}/sbs.mp4", "--contact_sheet", "{out}/sheet.png"],
}


class Campaign:
    """Counts what was tried and what went wrong; prints that and gives the exit status."""

    def __init__(self, text, short, long):
        parser = argparse.ArgumentParser(description=text)
        parser.add_argument("build", type=pathlib.Path, help="the folder in which mdvt was built")
        parser.add_argument("--tries", type=int, help=f"how many; {short} unless given, {long} with --long")
        parser.add_argument("--long", action="store_true", help="the whole campaign")
        parser.add_argument("--seed", type=int, default=1, help="of what is chosen by chance")
        self.options = parser.parse_args()
        self.tries = self.options.tries or (long if self.options.long else short)
        self.random = random.Random(self.options.seed)
        self.name = pathlib.Path(sys.argv[0]).stem
        self.tried = self.failed = 0
        self._folder = tempfile.TemporaryDirectory(prefix="mdvt_campaign_")
        self.folder = pathlib.Path(self._folder.name)

    def program(self, name):
        return str(self.options.build.resolve() / "bin" / name)

    def make_clips(self, width=96, height=64, frames=6):
        """Sets .color and .depth: a camera that moves through a drawn room."""
        self.color, self.depth = self.folder / "color.mp4", self.folder / "depth.mkv"
        subprocess.run([self.program("mdvt_make_demo_clip"), "--output", self.color, "--depth_output",
                        self.depth, "--width", str(width), "--height", str(height), "--frames", str(frames),
                        "--quiet"], check=True)

    def command(self, job, out):
        """The command line of one of JOBS that writes into the folder `out`, emptied."""
        out.mkdir(exist_ok=True)
        for path in sorted(out.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        fields = {"color": self.color, "depth": self.depth, "out": out}
        return [self.program(job)] + [word.format(**fields) for word in JOBS[job]]

    def judge(self, good, what):
        """Counts one try; `what` is printed if it was not good."""
        self.tried += 1
        if not good:
            self.failed += 1
            print(f"{self.name}: FAILED: {what}", flush=True)

    def end(self):
        print(f"{self.name}: tried {self.tried}, failed {self.failed}")
        sys.exit(1 if self.failed or not self.tried else 0)


def run(command, environment=None, **options):
    """Runs to the end: (status, stdout, stderr); a negative status is a signal. None: it hung."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=300,
                              env={**os.environ, **(environment or {})}, **options)
    except subprocess.TimeoutExpired:
        return None, "", "it hung"
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


def tree(folder):
    """Every file below a folder with the hash of its bytes; None for folders."""
    return {str(path.relative_to(folder)): None if path.is_dir() else
            hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(pathlib.Path(folder).rglob("*"))}


def errors(text):
    """The lines of errors that a program has printed; warnings left out, and what x264 itself says to stderr
    where it gets no memory: it asks no callback there."""
    return [line for line in text.splitlines()
            if ": warning: " not in line and not line.startswith("x264 [error]: malloc of size")]
