#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs every job (with --long every program) as processors of four kinds would, by the switches of OpenCV and of the C library.

The decoded frames of what is written, and every other file, are the same on all of them. --tries is the
number of kinds.
"""

import hashlib
import subprocess

from campaign import JOBS, MORE_JOBS, Campaign, run, tree

WIDE = "AVX512-SKX"
KINDS = (
    ("as it is", {}),
    ("no AVX-512", {"OPENCV_CPU_DISABLE": WIDE, "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F_Usable,-AVX512F"}),
    ("no AVX2", {"OPENCV_CPU_DISABLE": WIDE + ",AVX2,FP16", "OPENBLAS_CORETYPE": "Sandybridge",
                 "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2_Usable,-AVX2,-AVX512F_Usable,-AVX512F"}),
    ("SSE2", {"OPENCV_CPU_DISABLE": WIDE + ",AVX2,FP16,AVX,SSE4.2,SSE4.1",
              "OPENBLAS_CORETYPE": "Prescott",
              "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2_Usable,-AVX2,-AVX512F_Usable,-AVX512F,-AVX_Usable,-AVX,"
                                "-FMA_Usable,-FMA,-FMA4_Usable,-FMA4,-SSE4_1,-SSE4_2,-SSSE3"}),
)


def decoded(folder):
    """The hashes of the pictures of each video and of the bytes of each other file."""
    hashes = tree(folder)
    for name in hashes:
        if name.endswith((".mkv", ".mp4")):
            frames = subprocess.run(["ffmpeg", "-v", "error", "-i", folder / name, "-map", "0:v", "-f", "framemd5",
                                     "-"], check=True, capture_output=True).stdout
            lines = [line for line in frames.splitlines() if not line.startswith(b"#software")]
            hashes[name] = hashlib.sha256(b"\n".join(lines)).hexdigest()
    return hashes


def main():
    campaign = Campaign(__doc__, short=4, long=4)
    size = dict(width=480, height=270, frames=48) if campaign.options.long else dict(width=192, height=112,
                                                                                   frames=16)
    campaign.make_inputs(**size)
    out = campaign.folder / "out"
    for job in [*JOBS, *(MORE_JOBS if campaign.options.long else [])]:
        wanted = None
        for kind, environment in KINDS[:campaign.tries]:
            status, _, err = run(campaign.command(job, out), environment)
            hashes = decoded(out) if status == 0 else {}
            wanted = wanted or hashes
            differ = sorted(name for name in wanted if wanted[name] != hashes.get(name))
            campaign.judge(status == 0 and not differ, f"{job}, {kind}: status {status}, {differ} {err.strip()}")
    campaign.end()


if __name__ == "__main__":
    main()
