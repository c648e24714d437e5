"""jinja2's environments: what our templates find in them, and what they share."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, cast

from jinja2 import (
    BytecodeCache,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateSyntaxError,
)
from jinja2.bccache import Bucket
from typing_extensions import override

from cl_codegen.faults import PluginTemplateError
from cl_codegen.text import escape
from cl_codegen.text.imports import used


class _Compiled(BytecodeCache):
    """Templates that were compiled: those of this process, for each spec has an environment of its own with the same
    ones in it, and those beside the templates, in `__pycache__`, as Python keeps its modules."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], bytes] = {}

    @override
    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        return name if filename is None else filename

    @override
    def load_bytecode(self, bucket: Bucket) -> None:
        if (code := self._code.get(_known(bucket))) is not None:
            bucket.bytecode_from_string(code)
            return
        with contextlib.suppress(OSError, ValueError, EOFError), _beside(bucket.key).open("rb") as file:
            bucket.load_bytecode(file)
        if bucket.code is not None:
            self._code[_known(bucket)] = bucket.bytecode_to_string()

    @override
    def dump_bytecode(self, bucket: Bucket) -> None:
        code = self._code[_known(bucket)] = bucket.bytecode_to_string()
        place = _beside(bucket.key)
        if sys.dont_write_bytecode or not place.parent.parent.is_dir():
            return
        fresh = place.with_name(f"{place.name}.{os.getpid()}")
        with contextlib.suppress(OSError):  # An installation for all users may be read-only.
            place.parent.mkdir(exist_ok=True)
            fresh.write_bytes(code)
            fresh.replace(place)


def _known(bucket: Bucket) -> tuple[str, str]:
    """By its name, wherever it lies: the checksum tells two of one name apart."""
    return Path(bucket.key).name, bucket.checksum


def _beside(template: str) -> Path:
    path = Path(template)
    return path.parent / "__pycache__" / f"{path.name}.{sys.implementation.cache_tag}"


_COMPILED: Final = _Compiled()


def extend(
    env: Environment, filters: Mapping[str, Callable[..., object]], variables: Mapping[str, object] | None = None
) -> None:
    """Give every template of an environment more filters and global variables, and compile it once for all of them."""
    # The annotations of both dicts are inferred from the filters that jinja2 itself has.
    cast("dict[str, object]", env.filters).update(filters)
    cast("dict[str, object]", env.globals).update(variables or {})
    env.bytecode_cache = _COMPILED


def environment(templates: Path) -> Environment:
    """jinja2 as our templates expect it: what is undefined is an error, and text of a spec has to be escaped."""
    env = Environment(
        loader=FileSystemLoader(templates),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 — this is Python and not HTML; `escape` has what takes its place
    )
    extend(
        env,
        {
            "code": escape.code,
            "comment": escape.comment,
            "docstring": escape.docstring,
            "fenced": escape.fenced,
            "literal": escape.literal,
            "markdown": escape.markdown,
            "prose": escape.prose,
            "toml": escape.toml,
            "used": used,
        },
    )
    return env


def render_template(env: Environment, name: str, **context: object) -> str:
    """One file, unformatted.

    Raises:
        PluginTemplateError: as `render`.
    """
    try:
        return env.get_template(name).render(context)
    except (TemplateError, TypeError) as broken:
        line = f", line {broken.lineno}" if isinstance(broken, TemplateSyntaxError) else ""
        raise PluginTemplateError(f"{name}{line}: {broken}") from broken
