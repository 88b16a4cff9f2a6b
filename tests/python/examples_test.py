# SPDX-License-Identifier: Apache-2.0
"""Runs the examples in the documentation of the module."""

import doctest
import pathlib
import unittest

import mdvt


def load_tests(loader, tests, pattern):
    finder = doctest.DocTestFinder()
    found = finder.find(mdvt, "mdvt")
    for name in sorted(n for n in dir(mdvt) if not n.startswith("_")):
        item = getattr(mdvt, name)
        if isinstance(item, (int, float, str)):
            continue
        found += [t for t in finder.find(item, name, module=False, globs={"mdvt": mdvt})
                  if t.examples]
    examples = sum(len(t.examples) for t in found)
    assert examples >= 40, f"only {examples} examples were found"
    for test in found:
        if test.examples:
            tests.addTest(doctest.DocTestCase(test))
    page = pathlib.Path(__file__).resolve().parents[2] / "docs" / "python.md"
    tests.addTest(doctest.DocFileTest(str(page), module_relative=False))
    return tests


if __name__ == "__main__":
    unittest.main()
