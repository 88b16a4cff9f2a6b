#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts how many threads of a program run at once.

    benchmarks/thread_census.py build/bin/mono_to_sbs clip.mp4 --threads 2

runs the command and looks at the state of all its threads about every millisecond (R in
/proc/PID/task/*/stat: running, or ready to). Prints how many samples found how many. A thread that
wakes up is seen beside the one that has woken it and is about to sleep, for some microseconds: a
share well below one percent above the number of threads asked for is that.
"""
import collections
import os
import subprocess
import sys
import time


def running_threads(pid):
    count = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/stat", "rb") as file:
                stat = file.read()
        except OSError:  # it has ended
            continue
        count += stat[stat.rindex(b")") + 2 : stat.rindex(b")") + 3] == b"R"
    return count


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
    samples = collections.Counter()
    while process.poll() is None:
        try:
            samples[running_threads(process.pid)] += 1
        except OSError:
            break
        time.sleep(0.0007)
    total = sum(samples.values())
    for count in sorted(samples):
        print(f"{count:3d} running: {samples[count]:6d} samples, {100 * samples[count] / total:6.2f} %")
    return process.wait()


if __name__ == "__main__":
    sys.exit(main())
