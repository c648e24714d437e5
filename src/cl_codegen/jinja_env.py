"""jinja2's environments, whose filters and globals are annotated more narrowly than they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from jinja2 import Environment


def extend(
    env: Environment, filters: Mapping[str, Callable[..., object]], variables: Mapping[str, object] | None = None
) -> None:
    """Give every template of an environment more filters and global variables."""
    # The annotations of both dicts are inferred from the filters that jinja2 itself has.
    cast("dict[str, object]", env.filters).update(filters)
    cast("dict[str, object]", env.globals).update(variables or {})
