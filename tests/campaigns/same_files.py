#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Gives every program each of its inputs as each of its outputs, under four names.

The pairs come from the programs' own descriptions of their options, what else they need from the table of
jobs. A run must end with wrong use or bad input, and no byte of the input may change. --tries is the number
of runs, all pairs unless given.
"""

import json
import os
import pathlib
import re
import shutil

from campaign import JOBS, MORE_JOBS, Campaign, run

# What goes with an input, where no error would ask for it.
NEEDED = {"subtitle_file": {"subtitles": "burn"}, "infill_poses": {"infill": "observed"},
          "model": {"trust_model": None}, "background_ply": {"render": None}}


def names_of(path, folder):
    """The file, a link to it, a second name of it, and a way round."""
    suffix = path.suffix
    soft, hard = folder / f"soft{suffix}", folder / f"hard{suffix}"
    for place in (soft, hard):
        place.unlink(missing_ok=True)
    soft.symlink_to(path)
    os.link(path, hard)
    return [str(path), str(soft), str(hard), str(path.parent / ".." / path.parent.name / path.name)]


def given_to(command):
    """The options of a command line as {name: value}, None for flags."""
    options, name = {}, None
    for word in command:
        if word.startswith("--"):
            name = word[2:]
            options[name] = None
        else:
            options[name] = word
    return options


def content_of(campaign, name, unit, value):
    """A file that suits an input: the one that the job has, else one of its kind."""
    if value:
        return pathlib.Path(value)
    kinds = (("nvds", "network"), ("model", "network"), ("weights", "network"), ("track", "tracks"),
             ("truth_file", "tracks"), ("poses", "poses"), ("transformation", "poses"), ("sbs_mask", "sbs_mask"),
             ("mask", "mask"), ("subtitle", "text"), ("stereo", "sbs"))
    for part, key in kinds:
        if part in name:
            return campaign.inputs[key]
    if unit == "JSON":
        numbers = campaign.folder / "numbers.json"
        numbers.write_text(json.dumps([60.0] * 8))
        return numbers
    return campaign.depth if "depth" in name else campaign.color


def pairs(campaign):
    """(job, input, output, which of four names) of every program that has both."""
    for job in {name.split()[0]: name for name in reversed([*JOBS, *MORE_JOBS])}.values():
        status, text, err = run([campaign.program(job.split()[0]), "--describe", "json"])
        if status != 0:
            raise SystemExit(f"same_files: {job} does not describe itself: {err}")
        options = json.loads(text)["options"]
        for one in options:
            if one.get("path") != "input" or one["name"] == "job":
                continue
            for other in options:
                if other.get("path") in ("output", "folder"):
                    yield from ((job, one, other, way) for way in range(4))


def mended(campaign, options, pair, err):
    """The options without what the error says is wrong with them; None if it speaks of something else."""
    both = re.search(r"give --(\w+) or --(\w+), not both", err)
    if both:
        rest = [name for name in both.groups() if name not in pair and name in options]
        return {key: value for key, value in options.items() if key != rest[0]} if rest else None
    wants = re.search(r"--(\w+) belongs to --(\w+)(?: (\w+))?", err)
    if wants and wants[1] not in pair:
        return {key: value for key, value in options.items() if key != wants[1]}
    if wants and wants[2] not in options or wants and wants[3]:
        value = wants[3] or str(content_of(campaign, wants[2], "", None))
        return {**options, **NEEDED.get(wants[2], {}), wants[2]: value}
    missing = re.search(r"--(\w+) is required", err)
    if missing and missing[1] not in options:
        return {**options, missing[1]: str(content_of(campaign, missing[1], "", None))}
    return None


def main():
    campaign = Campaign(__doc__, short=60, long=10 ** 9)
    campaign.make_inputs(frames=2)
    folder, out = campaign.folder / "in", campaign.folder / "out"
    runs = list(pairs(campaign))
    campaign.random.shuffle(runs)
    named = 0
    for job, one, other, way in runs[:campaign.tries]:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        program, *base = campaign.command(job, out)
        options = given_to(base)
        good = content_of(campaign, one["name"], one["unit"], options.get(one["name"]))
        source = folder / good.name
        source.write_bytes(good.read_bytes())
        before = source.read_bytes()
        name = names_of(source, folder)[way]
        if other["path"] == "folder":  # a folder of that name cannot be, one around it can
            name = str(source.parent) if way == 0 else name
        options.update({one["name"]: str(source), other["name"]: name})
        options.update(NEEDED.get(one["name"], {}))
        for _ in range(4):
            command = [program, *(f"--{key}={value}" if value is not None else f"--{key}"
                                  for key, value in options.items())]
            status, _, err = run(command, cwd=campaign.folder)
            better = mended(campaign, options, (one["name"], other["name"]), err)
            if better is None:
                break
            options = better
        same = source.exists() and source.read_bytes() == before
        # A folder around the input may be written to, but not to the input.
        ended = status in (1, 2, 3, 4) or other["path"] == "folder" and status == 0
        named += "is one of the inputs" in err or "is a file, not a folder" in err
        campaign.judge(same and ended, f"{' '.join(command)}: status {status}, input "
                                       f"{'kept' if same else 'CHANGED'}: {err.strip()}")
    print(f"same_files: {named} of {campaign.tried} were told what is wrong, others that they do not go together")
    campaign.end()


if __name__ == "__main__":
    main()
