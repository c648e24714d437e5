"""Names that a package hands out from the modules where they are, imported when they are used."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import cast


def lazy_names(
    package: str, homes: Mapping[str, str], own: str = ""
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a package (PEP 562).

    Args:
        package: its name.
        homes: the names that it hands out, with spaces between them, by the module where they are. A module
            that begins with a dot is within the package.
        own: the names that it has itself.
    """
    home_of = {name: home for home, names in homes.items() for name in names.split()}

    def get(name: str) -> object:
        if name == "__all__":
            return listed()
        if (home := home_of.get(name)) is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = cast("object", getattr(importlib.import_module(home, package), name))
        setattr(sys.modules[package], name, value)
        return value

    def listed() -> list[str]:
        return sorted([*home_of, *own.split()])

    return get, listed
