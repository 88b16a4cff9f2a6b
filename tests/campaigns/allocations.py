#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lets allocations of 1 KiB or more fail, one in each run of a program.

A run then ends with one line that says "out of memory" and leaves nothing behind, or it writes what it
writes without the failure. It is never ended by a signal, never calls its input damaged.
"""

from campaign import JOBS, Campaign, errors, run, tree


def main():
    campaign = Campaign(__doc__, short=40, long=200)
    shim = campaign.options.build.resolve() / "tests/failing_malloc.so"
    campaign.make_clips()
    out, count = campaign.folder / "out", campaign.folder / "count"
    counts, whole = {}, {}
    for job in JOBS:
        environment = {"LD_PRELOAD": str(shim), "MDVT_FAIL_COUNT": str(count)}
        status, _, err = run(campaign.command(job, out) + ["--threads", "1"], environment)
        if status != 0:
            raise SystemExit(f"allocations: {job} fails by itself: {err}")
        counts[job], whole[job] = int(count.read_text()), tree(out)
    for i in range(campaign.tries):
        job = list(JOBS)[i % len(JOBS)]
        at = campaign.random.randrange(counts[job])
        environment = {"LD_PRELOAD": str(shim), "MDVT_FAIL_AT": str(at)}
        status, _, err = run(campaign.command(job, out) + ["--threads", "1"], environment)
        after = tree(out)
        told = len(errors(err)) == 1 and "out of memory" in errors(err)[0]
        good = status == 0 and after == whole[job] or status == 1 and told and not after
        campaign.judge(good, f"{job}, allocation {at} of {counts[job]}: status {status}, {err.strip()!r}, "
                             f"{'whole' if after == whole[job] else sorted(after)}")
    campaign.end()


if __name__ == "__main__":
    main()
