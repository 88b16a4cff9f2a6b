#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every kind of output with 1, 2, 3 and 7 threads and compares the files, byte for byte. Nothing that
an encoder prints by itself may reach the terminal.

First every encoder and the great jobs, on clips whose size and length are drawn by chance; --tries is how
many. Then every other program, in the short form with 1 and 3 threads only.
"""

from campaign import MORE_JOBS, Campaign, run, tree

THREADS = (1, 2, 3, 7)
ENCODERS = ("x264", "x265", "svtav1", "utvideo", "ffv1")


def kinds(campaign):
    """Name, and command that writes OUT."""
    color, depth = str(campaign.color), str(campaign.depth)
    stereo = [campaign.program("stereo_rerender"), "--depth_video", depth, "--color_video", color, "--xfov", "60"]
    for name in ENCODERS:
        ending = ".mkv" if name in ("ffv1", "utvideo") else ".mp4"
        fast = [] if name in ("ffv1", "utvideo") else ["--x264_preset", "ultrafast"]
        yield f"stereo {name}", [*stereo, "--output", "OUT" + ending, "--video_codec", name, *fast]
    yield "stereo with masks", [*stereo, "--output", "OUT.mkv", "--infill_mask"]
    yield "mono to sbs", [campaign.program("mono_to_sbs"), color, "OUT.mp4"]
    yield "depth", [campaign.program("video_metric_convert"), "--color_video", color, "--xfov", "60", "--output",
                    "OUT.mkv"]
    export = [campaign.program("convert_metric_depth_video_to_other_format"), "--depth_video", depth,
              "--color_video", color]
    yield "grey", [*export, "--bit16", "--output", "OUT.mkv"]
    yield "clouds", [*export, "--xfov", "60", "--save_ply", "OUT"]


def compare(campaign, name, command, out, threads):
    """`command(folder)` runs with each number of threads."""
    reference = None
    for number in threads:
        status, _, err = run([*command(out), "--threads", str(number)])
        if "has no encoder" in err:
            print(f"skipped {name}: not in this FFmpeg")
            return
        found = {path: digest for path, digest in tree(out).items() if digest}
        noise = [line for line in err.splitlines() if line.startswith(("Svt[", "x26", "["))]
        if status != 0 or not found or noise:
            campaign.judge(False, f"{name}, {number} threads: status {status}: {err.strip()}")
            continue
        if reference is None:
            reference = found
            continue
        different = sorted(path for path in {*found, *reference} if reference.get(path) != found.get(path))
        campaign.judge(not different, f"{name}, {number} threads: {different} of {len(found)} files differ")


def main():
    campaign = Campaign(__doc__, short=1, long=5)
    rng, out = campaign.random, campaign.folder / "out"
    for _ in range(campaign.tries):
        width, height, frames = 16 * rng.randint(52, 58), 16 * rng.randint(31, 36), rng.randint(4, 6)
        campaign.make_clips(width, height, frames)  # both eyes are more than a slice of x264
        print(f"threads: {width}x{height}, {frames} frames")
        for name, words in kinds(campaign):

            def command(folder, words=words):
                campaign.empty(folder)
                return [word.replace("OUT", str(folder / "out")) for word in words]

            compare(campaign, name, command, out, THREADS)
    campaign.make_inputs(width=160, height=96)
    for job in MORE_JOBS:
        if job != "mdvt_contact_sheet":  # which has no threads
            compare(campaign, job, lambda folder, job=job: campaign.command(job, folder), out,
                    THREADS if campaign.options.long else (1, 3))
    campaign.end()


if __name__ == "__main__":
    main()
