# SPDX-License-Identifier: Apache-2.0
"""describe_test.py PROGRAM...: that man pages, completions and JSON tell every option, and that the
tools that read them take them."""

import functools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAMS = {os.path.basename(path): path for path in sys.argv[1:]}


@functools.lru_cache(maxsize=None)
def described(path, form):
    return subprocess.run([path, "--describe", form], check=True, capture_output=True,
                          text=True).stdout


def complete(path, *words):
    """What bash offers for the last of the words."""
    name = os.path.basename(path)
    script = f"""
compopt() {{ :; }}  # works within a completion only
{described(path, "bash")}
COMP_WORDS=({name} "$@")
COMP_CWORD=$#
_{name}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    result = subprocess.run(["bash", "-eu", "-c", script, "bash", *words], capture_output=True,
                            text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


class Describe(unittest.TestCase):
    def names(self, path):
        for option in json.loads(described(path, "json"))["options"]:
            for name in [option["name"], *option["aliases"]]:
                yield name, option

    def test_every_form_has_every_option(self):
        self.assertGreaterEqual(len(PROGRAMS), 7)
        for program, path in PROGRAMS.items():
            forms = {form: described(path, form) for form in ("markdown", "man", "bash", "zsh")}
            names = list(self.names(path))
            self.assertGreater(len(names), 8)
            for name, option in names:
                with self.subTest(program=program, option=name):
                    self.assertIn(f"`--{name}`", forms["markdown"])
                    self.assertIn(f"\\-\\-{name}", forms["man"])
                    self.assertRegex(forms["bash"], rf"[ ']--{name}[ ']")
                    self.assertRegex(forms["zsh"], rf"'--{name}[=\[]")
                    self.assertTrue(option["help"])

    def test_what_it_describes_is_not_what_was_given(self):
        path = PROGRAMS["mono_to_sbs"]
        given = subprocess.run([path, "--crf", "40", "--describe", "json"], check=True,
                               capture_output=True, text=True).stdout
        self.assertEqual(given, described(path, "json"))

    def test_what_is_built_is_what_is_told(self):
        for program, path in PROGRAMS.items():
            share = pathlib.Path(path).parent.parent / "share"
            for form, place in (("man", f"man/man1/{program}.1"),
                                ("bash", f"bash-completion/completions/{program}"),
                                ("zsh", f"zsh/site-functions/_{program}")):
                self.assertEqual((share / place).read_text(encoding="utf-8"), described(path, form))

    def test_bash_completes_names(self):
        for path in PROGRAMS.values():
            names = {"--" + name for name, _ in self.names(path)}
            self.assertLessEqual(names, set(complete(path, "-")))
            self.assertEqual(complete(path, "--hel"), ["--help"])
        self.assertEqual(complete(PROGRAMS["mono_to_sbs"], "a.mp4", "--no_"),
                         ["--no_audio", "--no_overwrite"])

    def test_bash_completes_values(self):
        path = PROGRAMS["mono_to_sbs"]
        self.assertEqual(complete(path, "--layout", "half"), ["half-sbs", "half-tab"])
        self.assertEqual(complete(path, "--layout", "=", "half-s"), ["half-sbs"])
        self.assertEqual(complete(path, "--motion_adaptive", "="), ["on", "off"])
        self.assertEqual(complete(path, "--nv_preset", "p1"), ["p1"])
        self.assertEqual(complete(path, "--crf", ""), [])
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "clip.mp4").touch()
            pathlib.Path(folder, "clips").mkdir()
            begin = os.path.join(folder, "cl")
            both = [os.path.join(folder, name) for name in ("clip.mp4", "clips")]
            self.assertEqual(sorted(complete(path, begin)), both)
            self.assertEqual(sorted(complete(path, "--scene_file", begin)), both)
            export = PROGRAMS["convert_metric_depth_video_to_other_format"]
            self.assertEqual(complete(export, "--save_ply", begin), both[1:])
            self.assertEqual(complete(export, begin), [])

    @unittest.skipUnless(shutil.which("groff"), "groff is not there")
    def test_groff_takes_the_man_pages(self):
        for program, path in PROGRAMS.items():
            result = subprocess.run(["groff", "-man", "-ww", "-Tascii", "-P-cbou"],
                                    input=described(path, "man"), capture_output=True, text=True,
                                    check=True)
            self.assertEqual(result.stderr, "")
            names = ["--" + name for name, _ in self.names(path)]
            for word in ["NAME", "SYNOPSIS", "OPTIONS", "EXAMPLE", program, *names]:
                self.assertIn(word, result.stdout)

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not there")
    def test_zsh_takes_the_completions(self):
        for path in PROGRAMS.values():
            subprocess.run(["zsh", "-n", "/dev/stdin"], input=described(path, "zsh"), text=True,
                           check=True)

    def test_unknown_forms_are_refused(self):
        for path in PROGRAMS.values():
            result = subprocess.run([path, "--describe", "pdf"], capture_output=True, text=True)
            self.assertEqual((result.returncode, result.stdout), (2, ""))
            self.assertIn("markdown", result.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
