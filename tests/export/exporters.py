# SPDX-License-Identifier: Apache-2.0
"""Shared by the tests beside it: makes the exporters importable, skips without torch."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXPORT = ROOT / "models" / "export"
SKIPPED = 77

sys.path.insert(0, str(EXPORT))


def skip_without_torch():
    try:
        import torch  # noqa: F401
    except ImportError:
        print("skipped: there is no torch for this Python, install python3-torch")
        sys.exit(SKIPPED)
