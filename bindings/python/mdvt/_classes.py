# SPDX-License-Identifier: Apache-2.0
"""Keeps objects of the compiled classes from being used that were never given values.

`Class.__new__(Class)`, which copying and pickling call too, would make one without running
`__init__`; its methods would read memory that nobody has written.
"""

import threading

from . import _mdvt

_making = threading.local()  # .cls: the class that is being called


_Base = type(_mdvt.Limits)  # of every compiled class


class _Meta(_Base):
    __slots__ = ()

    def __call__(cls, *args, **kwargs):
        _making.cls = cls
        return super().__call__(*args, **kwargs)


def _guard(cls):
    new = cls.__new__

    def __new__(cls, *args, **kwargs):
        if getattr(_making, "cls", None) is not cls:
            raise TypeError(f"mdvt.{cls.__name__} cannot be made by __new__, copied or pickled")
        _making.cls = None
        return new(cls)

    cls.__new__ = staticmethod(__new__)
    cls.__class__ = _Meta


def guard_all():
    for cls in list(vars(_mdvt).values()):
        # An enumeration is a number: every one of its objects has a value.
        if isinstance(cls, _Base) and not hasattr(cls, "__members__"):
            _guard(cls)
