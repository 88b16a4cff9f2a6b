#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Damages videos in every way that disks, cuts and radio do, and looks how programs take it.

Each damaged file is read twice, as it is and with --strict. A program must end in one of these ways:
  * status 0 with a whole output;
  * status 3 or 4 with one line of error that names the file, and no output.
With --strict there may be no word of damage beside status 0, and what it takes the other must take.
Files are made by FFmpeg's program and damaged by a seeded random stream, so that a failure can be
had again: the seed and the number of the case are printed with it.

usage: damaged_media.py BIN_DIR [--cases N] [--seed S] [--only NUMBER] [--keep FOLDER]
  BIN_DIR   where mdvt_contact_sheet and mono_to_sbs are
  --cases   how many damaged files, 60 unless said otherwise: about 20 s; 5,000 take half an hour
  --only    this case alone
  --keep    put the files of failures there
"""

import argparse
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

HANGS = 300  # seconds

SOURCE = ["-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=1.6"]
X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-threads", "1", "-pix_fmt", "yuv420p"]
SEEDS = {
    "closed.mkv": X264 + ["-x264-params", "keyint=10:bframes=2"],
    "open.mp4": X264 + ["-x264-params", "keyint=10:bframes=3:open-gop=1"],
    "refresh.mkv": X264 + ["-x264-params", "keyint=10:intra-refresh=1"],
    "fragments.mp4": X264 + ["-g", "10", "-movflags", "frag_keyframe+empty_moov"],
    "interlaced.mkv": X264 + ["-flags", "+ildct+ilme", "-x264-params", "keyint=10:tff=1"],
    "start.mov": X264 + ["-g", "10", "-movflags", "faststart"],
    "hevc.mkv": ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params",
                 "keyint=10:bframes=2:log-level=none:pools=none", "-pix_fmt", "yuv420p"],
    "mpeg2.mkv": ["-c:v", "mpeg2video", "-g", "10", "-bf", "2", "-pix_fmt", "yuv420p"],
    "mpeg4.avi": ["-c:v", "mpeg4", "-g", "10", "-pix_fmt", "yuv420p"],
    "mjpeg.avi": ["-c:v", "mjpeg", "-pix_fmt", "yuvj420p"],
    "ffv1.mkv": ["-c:v", "ffv1", "-level", "3", "-slicecrc", "1", "-pix_fmt", "yuv422p10"],
    "vp9.webm": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "10"],
    "camera.m2ts": X264 + ["-x264-params", "keyint=10:bframes=2"],
    "broadcast.ts": ["-c:v", "mpeg2video", "-g", "10", "-bf", "2", "-pix_fmt", "yuv420p"],
    "png.mov": ["-c:v", "png", "-pix_fmt", "rgba"],
}


def make_seeds(folder):
    seeds = {}
    for name, options in SEEDS.items():
        path = folder / name
        made = subprocess.run(["ffmpeg", "-v", "error", "-y", *SOURCE, *options, "-fflags", "+bitexact", str(path)],
                              capture_output=True, check=False)
        if made.returncode == 0:  # not every FFmpeg has every encoder
            seeds[name] = path.read_bytes()
    return seeds


def truncate(data, rng):
    return data[:rng.randrange(1, len(data))]


def flip(data, rng):
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 3, 30))):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def wipe(data, rng):
    size = min(len(data), rng.choice((16, 512, 4096, 16384)))
    at = rng.randrange(len(data) - size + 1)
    return data[:at] + bytes(size) + data[at + size:]


def lose(data, rng):
    size = min(len(data) - 1, rng.choice((1, 188, 512, 4096)))
    at = rng.randrange(len(data) - size)
    return data[:at] + data[at + size:]


def repeat(data, rng):
    at = rng.randrange(len(data))
    size = rng.choice((64, 512, 4096))
    return data[:at] + data[at:at + size] + data[at:]


def join(data, rng):
    return data + data[rng.choice((0, 0, len(data) // 2)):]


DAMAGES = (truncate, flip, flip, wipe, wipe, lose, repeat, join)


def run(command, output):
    for path in (output, output.with_name(output.name + "_infillmask.mkv")):
        path.unlink(missing_ok=True)
    try:
        done = subprocess.run(command, capture_output=True, timeout=HANGS, check=False)
    except subprocess.TimeoutExpired:
        return None, "hangs"
    return done.returncode, done.stderr.decode(errors="backslashreplace")


def judge(status, text, path, output):
    """What is wrong with how a program ended; empty if nothing is."""
    if status is None or status < 0:
        return f"ended by signal or hangs: {status}"
    lines = [line for line in text.splitlines() if line.strip() and "warning:" not in line]
    if status == 0:
        return "" if output.exists() and output.stat().st_size > 0 else "status 0 without an output"
    if status not in (3, 4):
        return f"status {status}"
    if output.exists():
        return "an output beside an error"
    errors = [line for line in lines if "error" in line]
    if len(errors) != 1:
        return f"{len(errors)} lines of error"
    if path.name not in errors[0] or "internal" in errors[0]:
        return "an error that does not name the file"
    return ""


def try_case(binaries, folder, number, seeds, seed):
    rng = random.Random(f"{seed}-{number}")
    name = rng.choice(sorted(seeds))
    damage = rng.choice(DAMAGES)
    path = folder / f"case{number}{pathlib.Path(name).suffix}"
    path.write_bytes(damage(seeds[name], rng))
    if number % 8 == 0:
        output = folder / "out.mp4"
        command = [str(binaries / "mono_to_sbs"), str(path), str(output), "--max_res", "64", "--quiet"]
    else:
        output = folder / "out.png"
        command = [str(binaries / "mdvt_contact_sheet"), "--color_video", str(path), "--output", str(output),
                   "--frames", "64", "--tile_width", "48"]
    status, text = run(command, output)
    fault = judge(status, text, path, output)
    strict_status, strict_text = run(command + ["--strict"], output)
    strict_fault = judge(strict_status, strict_text, path, output)
    if not fault and not strict_fault:
        if strict_status == 0 and status != 0:
            fault = "taken with --strict only"
        elif strict_status == 0 and ("damaged" in strict_text or "missing" in strict_text):
            fault = "damage is told with --strict, and taken"
    fault = fault or (strict_fault and "--strict: " + strict_fault)
    what = f"case {number}: {damage.__name__} {name}"
    if fault:
        print(f"FAILED {what}: {fault}\n  {' '.join(command)}\n  {text.strip()}\n  strict: {strict_text.strip()}")
    return path, not fault, status == 0, strict_status == 0


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1])
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    parser.add_argument("--keep", type=pathlib.Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        seeds = make_seeds(folder)
        if not seeds:
            print("FFmpeg's program made no file", file=sys.stderr)
            return 1
        numbers = range(options.cases) if options.only is None else [options.only]
        failed = taken = taken_strictly = 0
        for number in numbers:
            path, good, was_read, was_read_strictly = try_case(options.binaries, folder, number, seeds, options.seed)
            failed += not good
            taken += was_read
            taken_strictly += was_read_strictly
            if not good and options.keep:
                options.keep.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, options.keep)
            path.unlink()
    print(f"seed {options.seed}, {len(seeds)} kinds of files: tried {2 * len(numbers)} runs on {len(numbers)} damaged "
          f"files, {taken} read, {taken_strictly} read strictly, failed {failed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
