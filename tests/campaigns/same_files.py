#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Gives every program each of its inputs as each of its outputs, under four names.

The pairs come from the programs' own descriptions of their options. A run must end with wrong use or
bad input, and no byte of the input may change. --tries is the number of runs, all pairs unless given.
"""

import json
import os

from campaign import Campaign, run

PROGRAMS = ("video_metric_convert", "stereo_rerender", "convert_metric_depth_video_to_other_format",
            "mono_to_sbs", "mdvt_contact_sheet")
# What makes an option with a file count; without it another mistake would be told first.
NEEDED = {"engine": "model"}


def names_of(path, folder):
    """The file, a link to it, a second name of it, and a way round."""
    suffix = path.suffix
    soft, hard = folder / f"soft{suffix}", folder / f"hard{suffix}"
    for place in (soft, hard):
        place.unlink(missing_ok=True)
    soft.symlink_to(path)
    os.link(path, hard)
    return [str(path), str(soft), str(hard), str(path.parent / ".." / path.parent.name / path.name)]


def main():
    campaign = Campaign(__doc__, short=60, long=10 ** 9)
    campaign.make_clips(frames=2)
    folder = campaign.folder / "in"
    folder.mkdir()
    runs = []
    for program in PROGRAMS:
        status, text, err = run([campaign.program(program), "--describe", "json"])
        if status != 0:
            raise SystemExit(f"same_files: {program} does not describe itself: {err}")
        options = json.loads(text)["options"]
        inputs = [o for o in options if o.get("path") == "input" and o["name"] not in ("job", "model")]
        outputs = [o for o in options if o.get("path") in ("output", "folder")]
        required = [o for o in options if o.get("required")]
        for one in inputs:
            for other in outputs:
                for way in range(4):
                    runs.append((program, one, other, way, required))
    campaign.random.shuffle(runs)
    for program, one, other, way, required in runs[:campaign.tries]:
        if one["unit"] == "JSON":
            source = folder / "numbers.json"
            source.write_text(json.dumps([60.0] * 8))
        else:
            source = folder / ("depth.mkv" if "depth" in one["name"] else "color.mp4")
            source.write_bytes((campaign.depth if "depth" in one["name"] else campaign.color).read_bytes())
        before = source.read_bytes()
        name = names_of(source, folder)[way]
        if other["path"] == "folder":  # a folder of that name cannot be, one around it can
            name = str(source.parent) if way == 0 else name
        command = [campaign.program(program), f"--{one['name']}={source}", f"--{other['name']}={name}"]
        given = {one["name"], other["name"]}
        for option in required:
            if option["name"] not in given:
                clip = campaign.depth if "depth" in option["name"] else campaign.color
                value = campaign.folder / "out.png" if option.get("path") == "output" else clip
                command.append(f"--{option['name']}={value}")
        status, _, err = run(command + ["--max_frames=2"] if program != "mdvt_contact_sheet" else command,
                             cwd=campaign.folder)
        same = source.exists() and source.read_bytes() == before
        # A folder around the input may be written to, but not to the input.
        ended = status in (1, 2, 3, 4) or other["path"] == "folder" and status == 0
        campaign.judge(same and ended, f"{' '.join(command)}: status {status}, input "
                                       f"{'kept' if same else 'CHANGED'}: {err.strip()}")
    campaign.end()


if __name__ == "__main__":
    main()
