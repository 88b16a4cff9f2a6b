#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every kind of output with 1, 2, 3 and 7 threads and compares the files, byte for byte. Nothing that
an encoder prints by itself may reach the terminal.

usage: threads.py BIN_DIR [--seed N] [--rounds N] [--width W --height H --frames N]

Each round draws a clip (size, frames) from the seed and makes it with mdvt_make_demo_clip. Prints each
difference, and at the end how many pairs of files were compared and how many differed; the status is 1
if any did. One round takes about 20 seconds on two cores.
"""

import argparse
import hashlib
import pathlib
import random
import subprocess
import sys
import tempfile

THREADS = (1, 2, 3, 7)
ENCODERS = ("x264", "x265", "svtav1", "utvideo", "ffv1")


def kinds(bin_dir, color, depth):
    """Name, and command that writes OUT."""
    sbs = [bin_dir / "mono_to_sbs", color]
    stereo = [bin_dir / "stereo_rerender", "--depth_video", depth, "--color_video", color, "--xfov", "60"]
    for name in ENCODERS:
        ending = ".mkv" if name in ("ffv1", "utvideo") else ".mp4"
        fast = [] if name in ("ffv1", "utvideo") else ["--x264_preset", "ultrafast"]
        yield f"stereo {name}", [*stereo, "--output", "OUT" + ending, "--video_codec", name, *fast]
    yield "stereo with masks", [*stereo, "--output", "OUT.mkv", "--infill_mask"]
    yield "mono to sbs", [*sbs, "OUT.mp4"]
    yield "depth", [bin_dir / "video_metric_convert", "--color_video", color, "--xfov", "60", "--output", "OUT.mkv"]
    export = [bin_dir / "convert_metric_depth_video_to_other_format", "--depth_video", depth, "--color_video", color]
    yield "grey", [*export, "--bit16", "--output", "OUT.mkv"]
    yield "clouds", [*export, "--xfov", "60", "--save_ply", "OUT"]


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin_dir", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--width", type=int)
    parser.add_argument("--height", type=int)
    parser.add_argument("--frames", type=int)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    bin_dir = args.bin_dir.resolve()
    print("seed", args.seed)
    tried = failed = 0
    with tempfile.TemporaryDirectory(prefix="mdvt_threads_") as folder:
        folder = pathlib.Path(folder)
        for round_number in range(args.rounds):
            width = args.width or 16 * rng.randint(52, 58)  # both eyes are more than a slice of x264
            height = args.height or 16 * rng.randint(31, 36)
            frames = args.frames or rng.randint(4, 6)
            color = folder / f"color{round_number}.mp4"
            depth = folder / f"depth{round_number}.mkv"
            subprocess.run(
                [bin_dir / "mdvt_make_demo_clip", "--output", color, "--width", str(width), "--height", str(height),
                 "--frames", str(frames)],
                check=True, stdout=subprocess.DEVNULL)
            subprocess.run([bin_dir / "video_metric_convert", "--color_video", color, "--xfov", "60", "--output", depth],
                           check=True, stdout=subprocess.DEVNULL)
            print(f"round {round_number}: {width}x{height}, {frames} frames")
            for name, command in kinds(bin_dir, color, depth):
                reference = None
                for threads in THREADS:
                    place = folder / "work"
                    place.mkdir()
                    full = [str(part).replace("OUT", str(place / "out")) for part in command]
                    run = subprocess.run([*full, "--threads", str(threads)], capture_output=True, text=True)
                    found = digests(place)
                    subprocess.run(["rm", "-r", str(place)], check=True)
                    if "has no encoder" in run.stderr:
                        print(f"skipped {name}: not in this FFmpeg")
                        break
                    noise = [line for line in run.stderr.splitlines() if line.startswith(("Svt[", "x26", "["))]
                    if run.returncode != 0 or not found or noise:
                        print(f"FAILED {name}, {threads} threads: status {run.returncode}: {run.stderr.strip()}")
                        tried += 1
                        failed += 1
                        continue
                    if reference is None:
                        reference = found
                        continue
                    tried += 1
                    if found != reference:
                        failed += 1
                        different = [key for key in found if reference.get(key) != found[key]]
                        print(f"DIFFERS {name}, {threads} threads: {len(different)} of {len(found)} files")
    print(f"{tried} tried, {failed} failed")
    return 1 if failed or not tried else 0


if __name__ == "__main__":
    sys.exit(main())
