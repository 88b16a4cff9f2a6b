# SPDX-License-Identifier: Apache-2.0
"""make_stubs.py CLASSES OUTPUT: the type stubs of the module that lies on the path of Python, its
classes as CLASSES has them, its tools from the module's own description."""

import inspect
import pathlib
import sys

sys.dont_write_bytecode = True
import mdvt  # noqa: E402


def stub(function):
    lines = [f"def {function.__name__}("]
    signature = inspect.signature(function)
    by_position = True
    for parameter in signature.parameters.values():
        if by_position and parameter.kind is parameter.KEYWORD_ONLY:
            lines.append("    *,")
            by_position = False
        default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
        lines.append(f"    {parameter.name}: {parameter.annotation}{default},")
    return "\n".join(lines + [f") -> {signature.return_annotation}: ...", ""])


classes, output = map(pathlib.Path, sys.argv[1:])
parts = [classes.read_text(encoding="utf-8")]
parts += [stub(getattr(mdvt, tool["function"])) for tool in mdvt.tools()]
output.write_text("\n".join(parts), encoding="utf-8")
