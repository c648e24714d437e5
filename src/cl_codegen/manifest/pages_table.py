"""The table `[pages]` of a manifest: which operations hand out their lists page by page, where that cannot be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, cast

from attrs import field, frozen

from cl_codegen.spec.spec import SpecError

PAGES: Final = "pages"
"""The table that is about no plugin."""

WAYS: Final = ("cursor", "offset", "page", "address", "link")
_TEXTS: Final = (*WAYS, "items", "next", "more", "total", "pages")


@frozen
class PagesEntry:
    """What the manifest says of one operation.

    Attributes:
        operation: its id.
        is_none: whether it hands out no pages, whatever it looks like (`false`).
        way: one of `WAYS`; nothing, where that is derived.
        name: the parameter; the field with the address, where that is the way.
        fields: the other fields of the answer, by what they say: `items`, `next`, `more`, `total`, `pages`.
        failed: makes an error at the line of the entry.
    """

    operation: str
    failed: Callable[[str], SpecError]
    is_none: bool = False
    way: str = ""
    name: str = ""
    fields: Mapping[str, str] = field(factory=dict[str, str])

    def error(self, expected: str) -> SpecError:
        return self.failed(expected)


def read_pages(table: object, error: Callable[[str, str], SpecError]) -> Mapping[str, PagesEntry]:
    """The entries by their operation.

    Args:
        table: of the file.
        error: makes one at the line of a key.

    Raises:
        SpecError: the table has something that it cannot have.
    """
    if not isinstance(table, dict):
        raise error("table", "expected a table of operation ids")
    return {name: _entry(name, value, error) for name, value in cast("dict[str, object]", table).items()}


def _entry(operation: str, value: object, error: Callable[[str, str], SpecError]) -> PagesEntry:
    def failed(expected: str) -> SpecError:
        return error(operation, expected)

    if value is False:
        return PagesEntry(operation, failed, is_none=True)
    if not isinstance(value, dict):
        raise failed('expected false, or a table such as { page = "page", items = "data" }')
    said = {str(key): one for key, one in cast("dict[object, object]", value).items()}
    ways = [way for way in WAYS if way in said]
    if len(ways) > 1:
        raise failed(f"there is one way to a next page, and not {' and '.join(ways)}")
    way = ways[0] if ways else ""
    link = said.pop("link", True) if way == "link" else True
    if link is not True:
        raise failed("link is true, or is not there")
    for key, one in said.items():
        if key not in _TEXTS:
            raise failed(f"there is no {key!r} (there are: {', '.join(_TEXTS)})")
        if not isinstance(one, str) or not one:
            raise failed(f"{key}: expected a string")
    texts = cast("dict[str, str]", said)
    fields = {key: one for key, one in texts.items() if key not in WAYS}
    return PagesEntry(operation, failed, way=way, name=texts.get(way, ""), fields=fields)
