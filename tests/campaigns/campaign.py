# SPDX-License-Identifier: Apache-2.0
"""What the campaigns beside it share: clips, runs of programs, the count at the end."""

import argparse
import hashlib
import json
import os
import pathlib
import random
import shutil
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
# Every other program, and what those above write beside a video. A name is a program and, behind a space,
# which of its outputs. Campaign.make_inputs() makes what is in braces.
EXPORT = ["--depth_video", "{depth}", "--color_video", "{color}", "--xfov", "60", "--transformation_file", "{poses}"]
NETWORK = ["--color_video", "{color}", "--xfov", "60", "--model", "{network}", "--trust_model", "--output",
           "{out}/depth.mkv"]
MORE_JOBS = {
    "video_metric_convert network": NETWORK,
    "stereo_rerender provenance": ["--depth_video", "{depth}", "--color_video", "{color}", "--infill", "observed",
                                   "--infill_poses", "{poses}", "--provenance_output", "{out}/whence.mkv",
                                   "--contact_sheet", "{out}/sheet.png", "--output", "{out}/eyes.mkv"],
    "stereo_rerender pointcloud": ["--depth_video", "{depth}", "--color_video", "{color}", "--render_as_pointcloud",
                                   "--create_sbs_depth_video", "--output", "{out}/eyes.mkv"],
    "stereo_rerender vr180": ["--depth_video", "{depth}", "--color_video", "{color}", "--vr180", "--output",
                              "{out}/eyes.mp4"],
    "mono_to_sbs burnt": ["--input", "{color}", "--subtitles", "burn", "--subtitle_file", "{text}", "--output",
                          "{out}/sbs.mp4", "--provenance_output", "{out}/whence.mkv"],
    "convert_metric_depth_video_to_other_format meshes": [*EXPORT, "--save_obj", "{out}/obj", "--save_glb",
                                                          "{out}/glb", "--save_scene", "{out}/scene.ply"],
    "convert_metric_depth_video_to_other_format pictures": [*EXPORT, "--save_png", "{out}/png", "--save_exr",
                                                            "{out}/exr", "--save_npz", "{out}/npz"],
    "convert_metric_depth_video_to_other_format scenes": [*EXPORT, "--save_colmap", "{out}/colmap",
                                                          "--save_nerfstudio", "{out}/nerf", "--save_camera",
                                                          "{out}/camera.glb", "--save_tum", "{out}/path.txt"],
    "convert_metric_depth_video_to_other_format tracks": [*EXPORT, "--track_file", "{tracks}", "--save_ply",
                                                          "{out}/ply"],
    "3d_view_depthfile render": ["--depth_video", "{depth}", "--color_video", "{color}", "--xfov", "60", "--render",
                                 "--output", "{out}/view.mp4"],
    "3d_view_depthfile page": ["--depth_video", "{depth}", "--color_video", "{color}", "--xfov", "60",
                               "--export_html", "{out}/page"],
    "split_sbs_video": ["--color_video", "{sbs}", "--output", "{out}"],
    "find_convergence_depth": ["--depth_video", "{depth}", "--output", "{out}/convergence.json"],
    "track_points_in_video": ["--color_video", "{color}", "--output", "{out}/tracks.json"],
    "basic_nomal_infill": ["--sbs_color_video", "{sbs}", "--sbs_mask_video", "{sbs_mask}", "--output",
                           "{out}/filled.mkv", "--provenance_output", "{out}/whence.mkv"],
    "create_video_mask": ["--color_video", "{color}", "--output", "{out}/mask.mkv"],
    "apply_inpainting": ["--color_video", "{color}", "--mask", "{mask}", "--output", "{out}/clean.mp4"],
    "optical_flow": ["--color_video", "{color}", "--output", "{out}/flow.mkv", "--save_flo", "{out}/flo"],
    "eval_tracks": ["--track_file", "{tracks}", "--truth_file", "{tracks}", "--width", "{width}", "--height", "{height}",
                    "--output", "{out}/report.json", "--save_html", "{out}/report.html"],
    "stabilize_depth": ["--depth_video", "{depth}", "--color_video", "{color}", "--output", "{out}/steady.mkv"],
    "eval_depth": ["--depth_video", "{depth}", "--truth_video", "{depth}", "--output", "{out}/report.json",
                   "--html_output", "{out}/report.html", "--table_output", "{out}/report.csv"],
    "pic2v": ["--video_dir", "{pictures}", "--results_dir", "{pictures}", "--columns", "one", "--vnum", "clip",
              "--infer_w", "96", "--infer_h", "64", "--output", "{out}/clip.mp4"],
    "unidepth_video": NETWORK,
    "unik3d_video": NETWORK,
    "moge_video": NETWORK,
    "depthpro_video": NETWORK,
    "videoanythingmetric_video": [word.replace("{network}", "{windows}") for word in NETWORK],
    "video_da3": NETWORK,
    "upscale_depth_promptda": ["--color_video", "{color}", "--depth_video", "{depth}", "--output", "{out}/depth.mkv"],
    "align_3d_points": ["--track_file", "{tracks}", "--depth_video", "{depth}", "--xfov", "60", "--output",
                        "{out}/path.json"],
    "sam_track_video": ["--color_video", "{color}", "--depth_video", "{depth}", "--xfov", "60", "--output",
                        "{out}/path.json"],
    "recover_fov": ["--color_video", "{color}", "--focal_length", "35", "--output", "{out}/fov.json"],
    "eval_trajectory": ["--estimate", "{poses}", "--reference", "{poses}", "--output", "{out}/report.json",
                        "--html", "{out}/report.html"],
    "check_stereo": ["--input", "{sbs}", "--json", "{out}/report.json", "--html", "{out}/report.html"],
    "mdvt_contact_sheet": ["--color_video", "{color}", "--depth_video", "{depth}", "--output", "{out}/sheet.png"],
}
# For the backend that examples/backend holds: dark is far, in metres; of single pictures, and of windows.
NETWORK_HEAD = "luma -299 -587 -114 2000 3000\n"
SIZE = {"rule": "cover", "target": [32, 32], "multiple": 4, "round": "ceil", "dynamic": True, "min": [4, 4],
        "max": [1024, 1024]}


def network(windows):
    layout = "1TCHW" if windows else "NCHW"
    metadata = {
        "format": 1, "kind": "depth_video" if windows else "depth", "name": "small",
        "source": {"upstream": "t", "license": "MIT"}, "precision": ["fp32"],
        "inputs": [{"name": "image", "layout": layout, "range": [0, 1], "resample": "bilinear", "size": SIZE}],
        "outputs": [{"name": "depth", "layout": layout, "quantity": "depth", "scale": "metric",
                     "resample": "bilinear"}],
        **({"window": {"length": 4, "stride": 3, "overlap": 1, "carry": [3], "blend": 1}} if windows else
           {"batch": {"dynamic": True, "max": 4}})}
    return NETWORK_HEAD + json.dumps(metadata)


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
        self.inputs = {}
        # Where the network of make_inputs() finds its backend.
        os.environ.setdefault("MDVT_BACKEND_PATH", str(self.options.build.resolve() / "lib"))

    def program(self, name):
        return str(self.options.build.resolve() / "bin" / name)

    def make_clips(self, width=96, height=64, frames=6):
        """Sets .color and .depth: a camera that moves through a drawn room."""
        self.color, self.depth = self.folder / "color.mp4", self.folder / "depth.mkv"
        self.size = {"width": width, "height": height}
        subprocess.run([self.program("mdvt_make_demo_clip"), "--output", self.color, "--depth_output",
                        self.depth, "--width", str(width), "--height", str(height), "--frames", str(frames),
                        "--quiet"], check=True)

    def make_inputs(self, **clips):
        """The clips and what programs make of them, for MORE_JOBS."""
        self.make_clips(**clips)
        self.inputs = {name: self.folder / file for name, file in (
            ("poses", "poses.json"), ("tracks", "tracks.json"), ("sbs", "eyes.mkv"),
            ("sbs_mask", "eyes.mkv_infillmask.mkv"), ("mask", "mask.mkv"), ("network", "net.luma"),
            ("windows", "windows.luma"), ("text", "text.srt"), ("pictures", "pictures"))}
        made = self.inputs
        made["network"].write_text(network(windows=False))
        made["windows"].write_text(network(windows=True))
        made["text"].write_text("1\n00:00:00,000 --> 00:00:01,000\nHello\n")
        for program, arguments in (
                ("video_metric_convert", ["--color_video", self.color, "--xfov", "60", "--output",
                                          self.folder / "made.mkv", "--transformation_output", made["poses"]]),
                ("track_points_in_video", ["--color_video", self.color, "--output", made["tracks"]]),
                ("stereo_rerender", ["--depth_video", self.depth, "--color_video", self.color, "--infill_mask",
                                     "--output", made["sbs"]]),
                ("create_video_mask", ["--color_video", self.color, "--output", made["mask"]])):
            subprocess.run([self.program(program), *arguments, "--quiet"], check=True, stdout=subprocess.DEVNULL)
        for place in ("clip/left", "one/clip/initial/color", "one/clip/mix/color"):
            folder = made["pictures"] / place
            folder.mkdir(parents=True)
            subprocess.run(["ffmpeg", "-v", "error", "-i", self.color, "-start_number", "0",
                            folder / "frame_%06d.png"], check=True)

    def empty(self, folder):
        """Makes it, without anything in it."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()

    def command(self, job, out):
        """The command line of one of JOBS or MORE_JOBS that writes into the folder `out`, emptied."""
        self.empty(out)
        fields = {"color": self.color, "depth": self.depth, "out": out, **self.size, **self.inputs}
        words = JOBS[job] if job in JOBS else MORE_JOBS[job]
        return [self.program(job.split()[0])] + [word.format(**fields) for word in words]

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
