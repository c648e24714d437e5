"""jinja2's environments: what our templates find in them, and what they share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, cast

from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
from typing_extensions import override


class _Compiled(BytecodeCache):
    """Templates that this process has compiled: each spec has an environment of its own, with the same ones in it."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], bytes] = {}

    @override
    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        return name  # Wherever it lies: `checksum` tells two of one name apart.

    @override
    def load_bytecode(self, bucket: Bucket) -> None:
        if (code := self._code.get((bucket.key, bucket.checksum))) is not None:
            bucket.bytecode_from_string(code)

    @override
    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


_COMPILED: Final = _Compiled()


def extend(
    env: Environment, filters: Mapping[str, Callable[..., object]], variables: Mapping[str, object] | None = None
) -> None:
    """Give every template of an environment more filters and global variables, and compile it once for all of them."""
    # The annotations of both dicts are inferred from the filters that jinja2 itself has.
    cast("dict[str, object]", env.filters).update(filters)
    cast("dict[str, object]", env.globals).update(variables or {})
    env.bytecode_cache = _COMPILED
