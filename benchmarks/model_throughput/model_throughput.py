#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast video_metric_convert is with a model, as ratios of frames per second:

  to_passes   to forward passes alone in the same threads (model_loop): what the rest costs
  to_plain    to a plain loop in Python with the same threads and BLAS (plain_loop.py)
  to_default  to the same loop as Debian starts it: one thread, ATLAS (libatlas3-base)
  to_host     with --device or --processing: to the program with --processing host

  python3 model_throughput.py --model da2-vits.pt --clip clip.mp4 [--build build] [--threads 2]

Each program runs once with --frames frames and once with one; the difference is what frames cost, without
loading the model. Rounds take turns, the median of each is taken. Other work on the machine disturbs wall
time; CPU seconds are told beside it. The model comes from
models/export/depth_anything_v2.py --encoder vits --random-weights 1 --out da2-vits.pt.

With a model that sees windows of frames, such as that of models/export/video_depth_anything.py, the program
runs with one window and with --windows more, and is compared with passes alone. With --device cuda the
passes run there too, and the plain loops are left out.
"""

import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ATLAS = "/usr/lib/x86_64-linux-gnu/atlas"
TARGETS = {"to_passes": 0.97, "to_plain": 1.2, "to_default": 3.0}
WINDOW_TARGETS = {"to_passes": 0.95}
DEVICE_TARGETS = {"to_passes": 0.9}


def run(command, environment=None):
    """Wall and CPU seconds, peak memory in MB, standard output."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True,
                          env={**os.environ, **(environment or {})})
    seconds = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, cpu, done.stdout.decode()


def peak_mb(command):
    """Peak memory of a command alone: of a child of its own, as the system keeps the largest."""
    code = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, "
            "stdout=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    done = subprocess.run([sys.executable, "-c", code, *command], stdout=subprocess.PIPE, check=True)
    return round(int(done.stdout) / 1024)


def per_frame(make_command, frames, environment=None, least=1):
    """Wall and CPU seconds of one frame more than `least`, and wall seconds of the whole."""
    first = run(make_command(least), environment)
    whole = run(make_command(frames), environment)
    more = frames - least
    return [(whole[0] - first[0]) / more, (whole[1] - first[1]) / more, whole[0]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--clip", required=True)
    parser.add_argument("--build", default=HERE.parent.parent / "build", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--frames", type=int, default=13, help="of one run, at least 2")
    parser.add_argument("--windows", type=int, default=2, help="of a model that sees windows: more than one")
    parser.add_argument("--input-size", type=int, default=0, help="the program's --input_size")
    parser.add_argument("--device", default="cpu", help="the program's --device")
    parser.add_argument("--processing", choices=("auto", "device"), default="auto",
                        help="the program's --processing")
    parser.add_argument("--default-frames", type=int, default=4, help="of the slow loop with ATLAS")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--atlas", default=ATLAS, help="folder of ATLAS' libblas.so.3")
    args = parser.parse_args()
    if min(args.frames, args.default_frames) < 2 or min(args.rounds, args.windows) < 1:
        sys.exit("model_throughput.py: error: at least 2 frames, 1 window and 1 round")
    python = "/usr/bin/python3"
    if subprocess.run([python, "-c", "import torch, numpy"], stderr=subprocess.DEVNULL).returncode:
        sys.exit("model_throughput.py: error: python3-torch or python3-numpy is not installed")
    atlas = (pathlib.Path(args.atlas) / "libblas.so.3").exists()
    probe = run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries",
                 "stream=width,height", "-of", "csv=p=0", args.clip])[2]
    width, height = probe.strip().strip(",").split(",")[:2]
    threads = str(args.threads)
    same = {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    default = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
               # libblas.so.3 in that folder, the libatlas.so.3 that it needs in the one above.
               "LD_LIBRARY_PATH": f"{args.atlas}:{pathlib.Path(args.atlas).parent}"}
    times = {"passes": [], "program": [], "plain": [], "default": [], "host": []}
    with tempfile.TemporaryDirectory() as folder:
        output = str(pathlib.Path(folder) / "depth.mkv")

        def loop(passes):
            return [str(args.build / "bin/model_loop"), args.model, width, height, threads, str(passes),
                    str(args.input_size), args.device]

        def program(frames, processing=args.processing):
            return [str(args.build / "bin/video_metric_convert"), "--color_video", args.clip,
                    "--model", args.model, "--trust_model", "--threads", threads, "--output", output,
                    "--max_frames", str(frames), "--quiet", "--device", args.device,
                    "--processing", processing,
                    *(["--input_size", str(args.input_size)] if args.input_size else [])]

        def plain(count):
            def command(frames):
                return [python, str(HERE / "plain_loop.py"), args.model, args.clip, output, width,
                        height, *network, count, str(frames)]
            return command

        bare = json.loads(run(loop(1))[2])
        network, windowed = bare["network"].split("x"), bare["length"] > 1
        frames = bare["length"] + args.windows * bare["stride"] if windowed else args.frames
        for _ in range(args.rounds):
            passes = json.loads(run(loop(args.windows if windowed else frames - 1), same)[2])
            times["passes"].append([passes[key] / passes["frames"]
                                    for key in ("seconds", "cpu_seconds")] + [passes["seconds"]])
            times["program"].append(per_frame(program, frames, least=bare["length"]))
            if args.device != "cpu" or args.processing != "auto":
                times["host"].append(
                    per_frame(lambda frames: program(frames, "host"), frames, least=bare["length"]))
            if windowed or args.device != "cpu":
                continue
            times["plain"].append(per_frame(plain(threads), args.frames, same))
            if atlas:
                times["default"].append(per_frame(plain("1"), args.default_frames, default))
        peak = peak_mb(program(frames))
    result = {"benchmark": "model_throughput", "size": f"{width}x{height}",
              "network": "x".join(network), "threads": args.threads, "frames": frames,
              "load": round(os.getloadavg()[0], 1), "peak_rss_mb": peak}
    median = {name: [statistics.median(column) for column in zip(*rows)]
              for name, rows in times.items() if rows}
    for name, (seconds, cpu, whole) in median.items():
        result[name] = {"seconds_per_frame": round(seconds, 4), "cpu_per_frame": round(cpu, 4),
                        "seconds_of_run": round(whole, 2)}
    passed = True
    targets = DEVICE_TARGETS if args.device != "cpu" else WINDOW_TARGETS if windowed else TARGETS
    for ratio, name in (("to_passes", "passes"), ("to_plain", "plain"), ("to_default", "default"),
                        ("to_host", "host")):
        if name not in median:
            result[ratio] = None  # no ATLAS in that folder, windows, or another device
            continue
        value = median[name][0] / median["program"][0]
        target = targets.get(ratio, 0)
        result[ratio] = {"ratio": round(value, 3), "target": target,
                         "cpu_ratio": round(median[name][1] / median["program"][1], 3)}
        passed = passed and value >= target
    result["pass"] = passed
    print(json.dumps(result))


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"model_throughput.py: error: {error}")
