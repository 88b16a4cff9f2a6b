# SPDX-License-Identifier: Apache-2.0
"""A function for each tool of the library, made from the library's own description of it."""

import inspect
import json
import re
import textwrap

from . import _mdvt

_TYPES = {"flag": "bool", "integer": "int", "number": "float"}


def tools():
    """All tools with their options, as plain data that a form can be built from.

    A list of dicts: name, function (its name here: 3d_view_depthfile is view_depthfile_3d), purpose,
    example, options, report (name and help of what a Report has besides frames, output, outputs and
    summary). Of each option: name, aliases, kind ("flag",
    "integer", "number", "text", "choice"), section, help, unit, valid (in words), default,
    default_text (in words, where it depends on other options), required, optional (may be None in
    a job file), position (None: by keyword only); of numbers min and max (None: no end), open (those
    of the two that are excluded) and perhaps also (a value outside with a meaning); of choices the
    choices; of files path ("input", "output", "folder") and takes_list (for the programs only).

    >>> import mdvt
    >>> [tool["name"] for tool in mdvt.tools()][:2]
    ['video_metric_convert', 'stereo_rerender']
    >>> options = {option["name"]: option for option in mdvt.tools()[1]["options"]}
    >>> eyes = options["pupillary_distance"]
    >>> eyes["kind"], eyes["unit"], eyes["default"], eyes["min"], eyes["max"]
    ('number', 'MM', 63.0, 0.0, 1000.0)
    """
    described = [json.loads(text) for text in _mdvt._describe()]
    return [{"function": _identifier(tool["name"]), **tool} for tool in described]


def _identifier(name):
    head, _, rest = name.partition("_")
    return name if name.isidentifier() else f"{rest}_{head}"


def _type(option):
    """Its type in Python, as annotations have it."""
    if "path" in option:
        kind = "str | PathLike[str]"
        return kind + " | Model" if option["name"] == "model" else kind
    if option["kind"] == "choice":
        kind = "Literal[" + ", ".join(map(repr, option["choices"])) + "]"
        return "bool | " + kind if "on" in option["choices"] else kind
    if option["kind"] == "text":
        return "str" if option["valid"] == "a text" else "str | float"
    return _TYPES[option["kind"]]


def _signature(tool):
    by_position, by_keyword = [], []
    for option in tool["options"]:
        kind = _type(option)
        for name in [option["name"]] + option["aliases"]:
            required = option["required"] and not option["aliases"]
            positional = option["position"] is not None and name == option["name"]
            (by_position if positional else by_keyword).append(inspect.Parameter(
                name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD if positional
                else inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if required else None,
                annotation=kind if required else kind + " | None"))
    for name, kind in (("limits", "Limits"), ("progress", "Callable[[Progress], object]"),
                       ("cancel", "CancelFlag")):
        by_keyword.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None,
                                            annotation=kind + " | None"))
    return inspect.Signature(by_position + by_keyword, return_annotation="Report")


def _wrapped(text, indent=""):
    return textwrap.wrap(text, 96, initial_indent=indent, subsequent_indent=2 * indent)


def _documentation(tool):
    lines = _wrapped(tool["purpose"].replace("\n", " ")) + ["", "In brackets: what holds unless given."]
    section = None
    for option in tool["options"]:
        if option["section"] != section:
            section = option["section"]
            lines += ["", (section or "files and more").capitalize() + ":"]
        names = " or ".join([option["name"]] + option["aliases"])
        what = {"choice": ", " + "|".join(option.get("choices", [])),
                "integer": ", " + option["unit"].lower(),
                "number": ", " + option["unit"].lower()}.get(option["kind"], "")
        lines += _wrapped(f"{names}{what}: {option['help']} ({option['default_text']})", "  ")
    lines += ["", "The run:"]
    for text in ("limits: what readers may cost",
                 "progress: called with a Progress about ten times a second; cancels by returning False",
                 "cancel: a CancelFlag, for other threads"):
        lines += _wrapped(text, "  ")
    lines += ["", "The report has frames, output, outputs, summary, and:"]
    for field in tool["report"]:
        lines += _wrapped(f"{field['name']}: {field['help']}", "  ")
    return re.sub(r"(?<![\w-])--(?=\w)", "", "\n".join(lines)) + "\n"


def _function(tool):
    name = tool["name"]
    positions = sorted((o["position"], o["name"]) for o in tool["options"]
                       if o["position"] is not None)

    def run(*values, limits=None, progress=None, cancel=None, **options):
        if len(values) > len(positions):
            raise TypeError(f"{name}() takes {len(positions)} values without a name, not "
                            f"{len(values)}: name the options")
        for (_, option), value in zip(positions, values):
            if option in options:
                raise TypeError(f"{name}() got {option} twice")
            options[option] = value
        return _mdvt._run(name, options, limits, progress, cancel)

    run.__name__ = run.__qualname__ = tool["function"]
    run.__module__ = "mdvt"
    run.__doc__ = _documentation(tool)
    run.__signature__ = _signature(tool)
    return run


__all__ = ["tools"]
for _tool in tools():
    globals()[_tool["function"]] = _function(_tool)
    __all__.append(_tool["function"])
