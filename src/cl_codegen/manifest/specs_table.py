"""The tables `[specs.NAME]` of a manifest: the specs of a package that has several of them.

Each table has the keys of `_OWN`. Whatever else it has is the manifest of its spec, as in a file of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, cast

from attrs import frozen

from cl_codegen.manifest.manifest import Manifest
from cl_codegen.manifest.toml_file import read_tables
from cl_codegen.spec.spec import SpecError
from cl_codegen.text.naming import attribute, kebab

SPECS: Final = "specs"

_OWN: Final = ("path", "manifest", "url", "token_url")
_TAKEN: Final = frozenset(
    [
        *("api", "cli", "client", "contract", "operations", "plugins", "sync"),
        *("close", "http_library", "listen", "portal", "program", "services", "twin", "use_token"),
        *("base", "mqtt", "token"),
        *("completion", "config", "help", "version"),
    ]
)
"""What the package has already, the client, before `_url` the arguments of that, and the command line."""


@frozen
class SpecEntry:
    """One spec of a package.

    Attributes:
        name: an attribute of the client, and a command.
        path: of the document.
        manifest: of it.
        url: where `fetch` gets it.
        token_url: where a user gets a token, if the spec itself says no such place.
    """

    name: str
    path: Path
    manifest: Manifest
    url: str = ""
    token_url: str = ""

    @property
    def command(self) -> str:
        """What one types for it."""
        return kebab(self.name)


def read_specs(path: Path) -> tuple[SpecEntry, ...]:
    """The specs of a manifest, in its order; none, where it is the manifest of one.

    Raises:
        SpecError: a table has something that it cannot have, or there is something beside these tables.
    """
    text, tables = read_tables(path)
    if SPECS not in tables:
        return ()
    bare = Manifest(path, text, within=f"{SPECS}.")
    specs = tables[SPECS]
    for key in tables:
        if key != SPECS:
            line = next((at for at, line in enumerate(text.splitlines(), 1) if re.match(rf"\s*\[?\s*{key}\b", line)), 1)
            expected = f"{key}: belongs to one of the specs: write it below [{SPECS}.NAME]"
            raise SpecError(path, f"line {line}", expected)
    if not isinstance(specs, dict) or not specs:
        raise bare.error("NAME", "table", 'expected tables such as [specs.store] with path = "store.json"')
    return tuple(_entry(bare, name, table) for name, table in cast("dict[str, object]", specs).items())


def _entry(bare: Manifest, name: str, table: object) -> SpecEntry:
    if not isinstance(table, dict):
        raise bare.error(name, "table", "expected a table")
    if name != attribute(name):
        raise bare.error(name, "table", f"the name is an attribute of the client: write [{SPECS}.{attribute(name)}]")
    if name in _TAKEN:
        raise bare.error(name, "table", f"the package has a {name!r} of its own")
    tables = cast("dict[str, object]", table)
    said = dict(_texts(bare, name, tables))
    rest = {key: value for key, value in tables.items() if key not in _OWN}
    folder = bare.source.parent
    if "manifest" in said and rest:
        both = next(iter(rest))
        raise bare.error(name, both, "there is a manifest of its own: it belongs there")
    if "manifest" in said:
        own = folder / said["manifest"]
        if not own.is_file():
            raise bare.error(name, "manifest", f"there is no file {said['manifest']}")
        manifest = Manifest.load(own)
    else:
        manifest = Manifest.of(bare.source, bare.text, rest, f"{SPECS}.{name}.")
    document = folder / said.get("path", f"{name}.json")
    return SpecEntry(name, document, manifest, said.get("url", ""), said.get("token_url", ""))


def _texts(bare: Manifest, name: str, table: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for key in _OWN:
        value = table.get(key)
        if key in table and not (isinstance(value, str) and value.strip()):
            raise bare.error(name, key, "expected a string")
        if isinstance(value, str):
            yield key, value
