#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Damages the texts that programs read: job files, lists of numbers, lists of videos, manifests, models,
tracks, camera paths, subtitles, scenes.

Each try changes a good file by chance (bytes, cuts, copies, extreme numbers, deep nesting) and gives it to a
program, which ends with a status and at most one line: never by a signal, never for ever. Give a folder that
was built with sanitizers, then their reports count as failures too. Files of the parsers themselves, in
one process, are the business of the fuzzers (tests/fuzz), damaged networks that of model/damaged_model.
"""

import hashlib
import json

from campaign import Campaign, errors, run

EXTREMES = (b"1e999", b"-0", b"NaN", b"18446744073709551616", b"[" * 2000, b"\xff\xfe", b"\0", b"\"\\ud800\"",
            b"null", b"{}", b"\x1b[2J")


def damage(random, good):
    data = bytearray(good)
    for _ in range(random.choice((1, 1, 1, 4))):
        at = random.randrange(len(data) + 1)
        kind = random.randrange(5)
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << random.randrange(8)
        elif kind == 1:
            del data[at:]
        elif kind == 2:
            del data[at:at + random.randrange(1, 40)]
        elif kind == 3:
            data[at:at] = data[:random.randrange(1, 60)]
        else:
            data[at:at] = random.choice(EXTREMES)
    return bytes(data)


def main():
    campaign = Campaign(__doc__, short=60, long=2500)
    campaign.make_inputs(width=48, height=32, frames=2)
    folder, out = campaign.folder, campaign.folder / "out"
    job = json.dumps({"tool": "stereo_rerender", "options": {"depth_video": str(campaign.depth), "xfov": 60.0,
                      "output": str(out / "a.mkv"), "max_frames": 1}}, indent=1).encode()
    identity = [[float(r == c) for c in range(4)] for r in range(4)]
    luma = (b"luma 299 587 114 2000 100\n" + json.dumps({
        "format": 1, "kind": "depth", "name": "small", "source": {"upstream": "t", "license": "MIT"},
        "inputs": [{"name": "image", "layout": "NCHW", "range": [0, 1], "size": {
            "rule": "cover", "target": [32, 32], "multiple": 4, "round": "ceil", "dynamic": True,
            "min": [4, 4], "max": [128, 128]}, "resample": "bilinear"}],
        "outputs": [{"name": "depth", "layout": "NCHW", "quantity": "disparity", "scale": "affine",
                     "resample": "bilinear"}],
        "batch": {"dynamic": True, "max": 4}, "precision": ["fp32"]}).encode())
    (folder / "net.luma").write_bytes(luma)
    manifest = json.dumps({"format": 1, "models": [
        {"file": "net.luma", "origin": "o", "license": "MIT", "size": len(luma),
         "sha256": hashlib.sha256(luma).hexdigest()}]}).encode()
    clips = f"# clips\n{campaign.color}\n'{campaign.color}'\n".encode()
    stereo = ["stereo_rerender", "--depth_video", campaign.depth, "--max_frames", "1", "--output", out / "a.mkv"]
    kinds = (
        ("job.json", job, ["stereo_rerender", "--job"]),
        ("fov.json", b"[60.0, 61.5, 62]", stereo + ["--xfov_file"]),
        ("convergence.json", b"[2.0, NaN, null, 4]", stereo + ["--xfov", "60", "--convergence_file"]),
        ("poses.json", json.dumps([identity] * 2).encode(),
         ["convert_metric_depth_video_to_other_format", "--depth_video", campaign.depth, "--save_ply", out / "ply",
          "--max_frames", "1", "--transformation_file"]),
        ("list.txt", clips, ["mono_to_sbs", "--max_frames", "1", "--output", out, "--input"]),
        ("manifest.json", manifest, ["mdvt_doctor", "--models", folder / "net.luma", "--manifest"]),
        ("model.luma", luma, ["mdvt_doctor", "--allow_unlisted", "--models"]),
        ("windows.luma", campaign.inputs["windows"].read_bytes(),
         ["videoanythingmetric_video", "--color_video", campaign.color, "--xfov", "60", "--trust_model", "--output",
          out / "a.mkv", "--model"]),
        ("tracks.json", campaign.inputs["tracks"].read_bytes(),
         ["align_3d_points", "--depth_video", campaign.depth, "--xfov", "60", "--output", out / "a.json",
          "--track_file"]),
        ("path.json", campaign.inputs["poses"].read_bytes(),
         ["eval_trajectory", "--reference", campaign.inputs["poses"], "--output", out / "a.json", "--estimate"]),
        ("path.txt", b"# time x y z qx qy qz qw\n0.0 0 0 0 0 0 0 1\n0.04 0.1 0 0 0 0 0 1\n",
         ["eval_trajectory", "--reference", campaign.inputs["poses"], "--output", out / "a.json", "--estimate"]),
        ("text.srt", campaign.inputs["text"].read_bytes(), stereo + ["--xfov", "60", "--color_video", campaign.color,
                                                                     "--subtitles", "burn", "--subtitle_file"]),
        ("text.ass", b"[Script Info]\nPlayResX: 384\n[V4+ Styles]\nFormat: Name, Fontsize\nStyle: A,20\n[Events]\n"
                     b"Format: Start, End, Style, Text\nDialogue: 0:00:00.00,0:00:01.00,A,Hello {\\b1}you\n",
         stereo + ["--xfov", "60", "--color_video", campaign.color, "--subtitles", "burn", "--subtitle_file"]),
        ("scenes.csv", b"Scene Number,Start Frame,End Frame\n1,1,1\n2,2,2\n", stereo + ["--xfov", "60", "--color_video", campaign.color, "--scene_file"]),
    )
    out.mkdir()
    for i in range(campaign.tries):
        name, good, command = kinds[i % len(kinds)]
        path = folder / name
        path.write_bytes(damage(campaign.random, good))
        status, text, err = run([campaign.program(command[0]), *map(str, command[1:]), str(path)],
                                {"MDVT_BACKEND_PATH": str(campaign.options.build.resolve() / "lib"),
                                 "ASAN_OPTIONS": "detect_leaks=0"})
        lines = errors(err)
        good = status in (0, 1, 2, 3, 4, 5) and "Sanitizer" not in err and "runtime error" not in err
        # A list goes on with its next clip after an error.
        good = good and (name == "list.txt" or len(lines) <= 1) and "internal error" not in err
        good = good and not any(c < " " and c != "\n" for c in text + err)
        if not good:
            kept = f"/tmp/mdvt_{campaign.name}_{campaign.options.seed}_{i}_{name}"
            with open(kept, "wb") as file:
                file.write(path.read_bytes())
            err += f" (kept as {kept})"
        campaign.judge(good, f"{command[0]} {name}: status {status}, {err.strip()[-600:]!r}")
    campaign.end()


if __name__ == "__main__":
    main()
