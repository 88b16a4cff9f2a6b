# SPDX-License-Identifier: Apache-2.0
"""That the type stubs are the module: every name, every parameter, nothing more."""

import ast
import inspect
import pathlib
import re
import unittest

import mdvt

STUBS = pathlib.Path(mdvt.__file__).with_name("__init__.pyi")

# What every object has, and what pybind11 adds to classes and enumerations.
INHERITED = set(dir(object)) | {
    "__module__", "__doc__", "__dict__", "__weakref__", "__entries", "__getstate__",
    "__setstate__", "_pybind11_conduit_v1_", "__members__", "name", "value", "__int__",
    "__index__", "__annotations__"}
# Dunder methods that object has too: stubs repeat only those that mean something of their own.
OWN_DUNDERS = {"__init__", "__eq__", "__hash__"}


def public(names):
    return {n for n in names if not n.startswith("_")}


def default_text(node):
    """A default as pybind11 prints it; "..." stands for one that has no literal."""
    return None if node is None else "..." if ast.unparse(node) == "..." else \
        repr(ast.literal_eval(node))


def parameters(node):
    """(name, may be given by position, default) of a stub function, without self."""
    positional = node.args.args
    if positional and positional[0].arg == "self":
        positional = positional[1:]
    defaults = [None] * (len(positional) - len(node.args.defaults)) + list(node.args.defaults)
    result = [(a.arg, True, default_text(d)) for a, d in zip(positional, defaults)]
    result += [(a.arg, False, default_text(d))
               for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults)]
    return result


def split(text):
    """The parts of a parameter list, at commas that are not within brackets or quotes."""
    parts, depth, part, quoted = [], 0, "", False
    for char in text:
        if char == "'":
            quoted = not quoted
        if not quoted:
            depth += (char in "[(<{") - (char in "])>}")
        if char == "," and depth == 0 and not quoted:
            parts.append(part.strip())
            part = ""
        else:
            part += char
    return [p for p in parts + [part.strip()] if p]


def actual_parameters(function):
    """The same of a function of the module. pybind11 writes the signature of compiled ones into the
    first line of their docstring."""
    if inspect.isfunction(function):
        return [(p.name, p.kind is not p.KEYWORD_ONLY,
                 None if p.default is p.empty else repr(p.default))
                for p in inspect.signature(function).parameters.values()]
    line = function.__doc__.strip().split("\n")[0]
    inside = line[line.index("(") + 1:line.rindex(") ->")]
    result, by_position = [], True
    for part in split(inside):
        if part == "*":
            by_position = False
            continue
        name = re.match(r"\w+", part).group(0)
        default = part.partition(" = ")[2] or None
        if default is not None and not re.fullmatch(r"None|True|False|-?[\d.]+|'.*'", default):
            default = "..."  # <Name.VALUE: 0>, {}, [], <mdvt.ColorInfo ...>
        result.append((name, by_position, default))
    if result and result[0][0] == "self":
        result = result[1:]
    return result


class Stubs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tree = ast.parse(STUBS.read_text(encoding="utf-8"))

    def definitions(self, body):
        names = {}
        for node in body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                names[node.name] = node
            elif isinstance(node, ast.AnnAssign):
                names[node.target.id] = node
        return names

    def test_every_name_of_the_module_is_in_the_stubs(self):
        stubs = self.definitions(self.tree.body)
        self.assertEqual(public(stubs), public(dir(mdvt)))
        self.assertIn("__version__", stubs)

    def test_every_function_has_the_same_parameters(self):
        checked = 0
        for name, node in self.definitions(self.tree.body).items():
            if isinstance(node, ast.FunctionDef):
                with self.subTest(name):
                    self.assertEqual(parameters(node), actual_parameters(getattr(mdvt, name)))
                    checked += 1
        self.assertGreater(checked, 20)

    def test_every_class_has_the_same_members(self):
        classes = members = 0
        for name, node in self.definitions(self.tree.body).items():
            if not isinstance(node, ast.ClassDef) or name.startswith("_") or name == "Error":
                continue
            classes += 1
            actual = getattr(mdvt, name)
            stubs = self.definitions(node.body)
            with self.subTest(name):
                enumeration = any(getattr(b, "id", "") == "_Enum" for b in node.bases)
                if enumeration:
                    self.assertEqual(set(stubs), set(actual.__members__))
                    continue
                names = {n for n in dir(actual) if n not in INHERITED}
                self.assertEqual({n for n in stubs if n not in OWN_DUNDERS}, names)
                for member, definition in stubs.items():
                    members += 1
                    self.compare(actual, member, definition)
        self.assertGreater(classes, 40)
        self.assertGreater(members, 220)

    def compare(self, actual, member, definition):
        found = inspect.getattr_static(actual, member)
        if isinstance(definition, ast.AnnAssign):
            self.assertIsInstance(found, property, member)
            self.assertIsNotNone(found.fset, f"{member} cannot be set")
            return
        decorators = {d.id for d in definition.decorator_list}
        if "property" in decorators:
            self.assertIsInstance(found, property, member)
            self.assertIsNone(found.fset, f"{member} can be set")
        elif member not in {"__hash__"}:
            self.assertEqual(isinstance(found, staticmethod), "staticmethod" in decorators, member)
            self.assertEqual(parameters(definition),
                             actual_parameters(getattr(actual, member)), member)

    def test_marks_the_package_as_typed(self):
        self.assertTrue(STUBS.with_name("py.typed").exists())

    def test_everything_is_documented(self):
        for name in public(dir(mdvt)):
            item = getattr(mdvt, name)
            if inspect.isclass(item) or inspect.isroutine(item):
                self.assertTrue(item.__doc__, name)


if __name__ == "__main__":
    unittest.main()
