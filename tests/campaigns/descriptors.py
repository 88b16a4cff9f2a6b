#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Starts every job with standard streams that are closed, full, or ends of closed pipes.

36 combinations, and each other program with one that is drawn by chance (all nine with --long): what is written is the same as with all streams open, byte for byte, and the status 0;
only a full or broken stdout may make it 1, because that is where a program tells what it has done.
"""

import os

from campaign import JOBS, MORE_JOBS, Campaign, run, tree


def redirections():
    """Texts for the shell: each set of closed streams, and streams that cannot be written."""
    names = ("<&-", ">&-", "2>&-")
    closed = [" ".join(n for i, n in enumerate(names) if bits >> i & 1) for bits in range(1, 8)]
    return closed + [">/dev/full 2>/dev/full", "PIPE"]


def main():
    campaign = Campaign(__doc__, short=71, long=351)
    campaign.make_inputs()
    out = campaign.folder / "out"
    for job in [*JOBS, *MORE_JOBS]:
        status, _, err = run(campaign.command(job, out))
        if status != 0:
            raise SystemExit(f"descriptors: {job} fails by itself: {err}")
        whole = tree(out)
        ways = redirections()
        if job in MORE_JOBS and not campaign.options.long:
            ways = [campaign.random.choice(ways)]
        for streams in ways:
            command = campaign.command(job, out) + ["--progress", "json"]
            if streams == "PIPE":
                read, write = os.pipe()
                os.close(read)
                status, _, _ = run(["sh", "-c", f'exec "$@" >&{write} 2>&{write}', "sh", *command],
                                   pass_fds=[write])
                os.close(write)
            else:
                status, _, _ = run(["sh", "-c", f'exec "$@" {streams}', "sh", *command])
            unwritable = streams == "PIPE" or "full" in streams
            good = (status == 0 or status == 1 and unwritable) and tree(out) == whole
            campaign.judge(good, f"{job} {streams}: status {status}, {sorted(tree(out))}")
    campaign.end()


if __name__ == "__main__":
    main()
