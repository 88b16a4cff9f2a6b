#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lets allocations of 1 KiB or more fail, one in each run of a program.

A run then ends with one line that says "out of memory" and leaves nothing behind, or it writes what it
writes without the failure. It is never ended by a signal, never calls its input damaged. Every second try is
one of the four great jobs, the others go through all programs; six that are drawn by chance, all with --long.
"""

from campaign import JOBS, MORE_JOBS, Campaign, errors, run, tree


def main():
    campaign = Campaign(__doc__, short=40, long=200)
    shim = campaign.options.build.resolve() / "tests/failing_malloc.so"
    campaign.make_inputs()
    more = list(MORE_JOBS) if campaign.options.long else campaign.random.sample(list(MORE_JOBS), 6)
    out, count = campaign.folder / "out", campaign.folder / "count"
    counts, whole = {}, {}

    def command(job):  # of all programs this one alone has no threads
        return campaign.command(job, out) + (["--threads", "1"] if job != "mdvt_contact_sheet" else [])

    for job in [*JOBS, *more]:
        environment = {"LD_PRELOAD": str(shim), "MDVT_FAIL_COUNT": str(count)}
        status, _, err = run(command(job), environment)
        if status != 0:
            raise SystemExit(f"allocations: {job} fails by itself: {err}")
        counts[job], whole[job] = int(count.read_text()), tree(out)
    for i in range(campaign.tries):
        job = more[i // 2 % len(more)] if i % 2 else list(JOBS)[i // 2 % len(JOBS)]
        at = campaign.random.randrange(counts[job])
        environment = {"LD_PRELOAD": str(shim), "MDVT_FAIL_AT": str(at)}
        status, _, err = run(command(job), environment)
        after = tree(out)
        told = len(errors(err)) == 1 and "out of memory" in errors(err)[0]
        good = status == 0 and after == whole[job] or status == 1 and told and not after
        campaign.judge(good, f"{job}, allocation {at} of {counts[job]}: status {status}, {err.strip()!r}, "
                             f"{'whole' if after == whole[job] else sorted(after)}")
    campaign.end()


if __name__ == "__main__":
    main()
