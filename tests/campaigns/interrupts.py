#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sends SIGINT, SIGTERM or SIGKILL to every program at a time drawn by chance.

The first two end it within two seconds with the status that shells expect and nothing written, or it was
done and everything is there. After SIGKILL the next run writes what it always writes, and leaves nothing
else behind. Each program is interrupted once before one is for the second time.
"""

import signal
import subprocess
import time

from campaign import JOBS, MORE_JOBS, Campaign, run, tree

MOST_SECONDS = 2


def interrupt(command, number, delay):
    """(status, stderr, seconds until it was over)."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    time.sleep(delay)
    child.send_signal(number)
    sent = time.monotonic()
    try:
        _, err = child.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        child.kill()
        return None, "it hung", time.monotonic() - sent
    return child.returncode, err.decode("utf-8", "replace"), time.monotonic() - sent


def main():
    campaign = Campaign(__doc__, short=40, long=400)
    campaign.make_inputs()
    out = campaign.folder / "out"
    jobs = [*JOBS, *MORE_JOBS]
    wholes = {}
    for i in range(campaign.tries):
        job = jobs[i % len(jobs)]
        if job not in wholes:
            began = time.monotonic()
            status, _, err = run(campaign.command(job, out))
            if status != 0:
                raise SystemExit(f"interrupts: {job} fails by itself: {err}")
            wholes[job] = tree(out), time.monotonic() - began
        whole, seconds = wholes[job]
        number = campaign.random.choice((signal.SIGINT, signal.SIGTERM, signal.SIGKILL))
        delay = campaign.random.uniform(0.02, 1.1 * seconds)
        command = campaign.command(job, out)
        status, err, waited = interrupt(command, number, delay)
        after = tree(out)
        what = f"{job}, signal {number} after {delay:.3f} s: status {status}, {waited:.1f} s, {err.strip()!r}, "
        if status != 0 and number == signal.SIGKILL:
            status, _, err = run(command)
            after = tree(out)
            good = status == 0 and after == whole
        else:
            # Before main() has begun nobody can catch a signal: the status is the same in a shell.
            stopped = status in (128 + number, -number) and not after and waited <= MOST_SECONDS
            good = stopped or status == 0 and after == whole
        campaign.judge(good, what + ("whole" if after == whole else str(sorted(after))))
    campaign.end()


if __name__ == "__main__":
    main()
