"""Which operations hand out a list page by page, and how: read from their parameters and answers, by the names that
servers use, or said by the manifest (`[pages]`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from attrs import evolve, frozen

from cl_codegen.manifest.pages_table import PagesEntry
from cl_codegen.text import naming
from cl_codegen.text.escape import literal
from cl_codegen.wire import types as wire_types
from cl_codegen.wire.python_type import python_type
from cl_codegen.wire.typed_operation import Operation
from cl_codegen.wire.types import Listed, Model, Plain, Type, Union, Words, leaves, without_none

Path: TypeAlias = tuple[str, ...]

_CURSORS: Final = (
    *("cursor", "page_cursor", "start_cursor", "after", "after_id", "starting_after", "start_after", "start_cursor"),
    *("page_token", "next_page_token", "next_token", "pagination_token", "continuation_token", "continuation"),
    *("next_cursor", "marker", "bookmark", "scroll_id", "last_id"),
)
"""Parameters that say where to go on."""
_NEXT: Final = (
    *("next_cursor", "next_page_token", "next_token", "next_page", "next_marker", "next_id", "end_cursor", "after"),
    *(
        "continuation_token",
        "continuation",
        "pagination_token",
        "page_token",
        "cursor",
        "next",
        "bookmark",
        "scroll_id",
    ),
    "last_id",
)
"""Fields of an answer that say so."""
_ADDRESSES: Final = ("next_url", "next_link", "next_page_url", "next_href", "next_uri", "odata_next_link", "next")
_OFFSETS: Final = ("offset", "skip", "start_index", "start", "from")
_LIMITS: Final = frozenset(["limit", "page_size", "per_page", "size", "count", "top", "take", "max_results"])
_NUMBERS: Final = ("page", "page_number", "page_num", "page_no", "page_index")
_MORE: Final = ("has_more", "has_next", "has_next_page", "more", "has_more_pages")
_TOTAL: Final = ("total", "total_count", "total_items", "total_entries", "total_results", "total_elements")
_PAGES: Final = ("total_pages", "page_count", "num_pages", "last_page")
_ITEMS: Final = ("items", "data", "results", "entries", "records", "content", "values", "objects", "hits", "rows")
_BESIDE: Final = frozenset(
    [
        *("pagination", "page_info", "page_details", "paging", "pager", "meta", "metadata", "links", "cursors", "page"),
        *("response_metadata", "data", "result", "response"),
    ]
)
"""What answers keep these fields in."""
_TEXT: Final = (wire_types.TEXT,)
_WHOLE: Final = (wire_types.INTEGER, wire_types.FLOAT)
"""Some call whole numbers `number`."""


def _word(name: str) -> str:
    """A name as the words above are written."""
    return naming.snake(name).rstrip("_")


@frozen
class Paging:
    """The arguments of `cl_client.runtime.Paging`, which says what they are."""

    way: str
    name: str = ""
    place: str = "query"
    items: Path = ()
    next: Path = ()
    of_last: bool = False
    more: Path = ()
    total: Path = ()
    pages: Path = ()
    first: int = 1

    @property
    def source(self) -> str:
        """The expression that makes it."""
        said = [literal(self.way)]
        said += [f"name={literal(self.name)}"] if self.name else []
        said += [f"place={literal(self.place)}"] if self.place != "query" else []
        paths = {"items": self.items, "next": self.next, "more": self.more, "total": self.total, "pages": self.pages}
        for key, path in paths.items():
            said += [f"{key}=({', '.join(map(literal, path))},)"] if path else []
        said += ["of_last=True"] if self.of_last else []
        said += [f"first={self.first}"] if self.first != 1 else []
        return f"self._paging({', '.join(said)})"


@frozen
class Pages:
    """How an operation hands out its list.

    Attributes:
        item: the type of one; classes: the models in it.
        expression: the items of `page`, an answer.
        paging: how there is a next one.
    """

    item: str
    classes: tuple[str, ...]
    expression: str
    paging: Paging


@frozen
class _Answer:
    """An answer: its items, and what else it has by the path of its names."""

    items: Path
    item: Type
    expression: str
    fields: Mapping[Path, Type]

    def find(self, names: Iterable[str], kinds: tuple[Type, ...] = ()) -> Path:
        """The first field that is called so and has a type of these kinds; of any word, where there are none."""
        for name in names:
            for path, type in self.fields.items():
                if _word(path[-1]) == name and (without_none(type) in kinds if kinds else _is_word(type)):
                    return path
        return ()


@frozen
class _Sent:
    """A parameter of the query, or a member of a JSON body."""

    name: str
    wire_name: str
    type: Type
    place: str
    least: int | None

    @property
    def is_whole(self) -> bool:
        return without_none(self.type) in _WHOLE


def pages_of(operation: Operation, said: PagesEntry | None = None) -> Pages | None:
    """How an operation hands out its list page by page; nothing, where it does not.

    Args:
        operation: of the wire layer.
        said: what the manifest says of it.

    Raises:
        SpecError: the manifest says what the operation does not have.
    """
    if said is not None and said.is_none:
        return None
    answer = _answer(operation, said)
    if answer is None:
        if said is not None:
            raise said.error('its answer has no list, or several: say which are its items, such as items = "data"')
        return None
    sent = list(_sent(operation))
    paging = _said(answer, sent, said) if said is not None and said.way else _derived(operation, answer, sent)
    if paging is None:
        if said is not None:
            raise said.error("say how there is a next page: cursor, offset, page, address or link")
        return None
    if said is not None:
        told = {key: tuple(field.split(".")) for key, field in said.fields.items() if key != "items"}
        paging = evolve(paging, **told)
    classes = tuple(leaf.name for leaf in leaves(answer.item) if isinstance(leaf, Model | Words))
    return Pages(python_type(answer.item), classes, answer.expression, evolve(paging, items=answer.items))


# What there is -------------------------------------------------------------------------------------------------------


def _answer(operation: Operation, said: PagesEntry | None) -> _Answer | None:
    replies = [reply for reply in operation.replies if reply.is_success]
    if len(replies) != 1 or replies[0].kind != "json":
        return None
    type = replies[0].type
    if isinstance(type, Listed):
        return _Answer((), type.inner, "page", {})
    if not isinstance(type, Model):
        return None
    lists = list(_lists(type, (), "page", ""))
    wanted = tuple(said.fields["items"].split(".")) if said is not None and "items" in said.fields else None
    if wanted is not None:
        lists = [one for one in lists if one[0] == wanted]
    elif len(lists) > 1:
        called = {*_word(operation.path.rstrip("/").rpartition("/")[2]).split("_"), operation.tag}
        ranked = [*_ITEMS, *sorted(called)]
        lists = [one for name in ranked for one in lists if _word(one[0][-1]) == name][:1]
    if len(lists) != 1:
        return None
    path, item, expression, around = lists[0]
    return _Answer(path, item, f"{expression}{around}", dict(_fields(type, ())))


def _lists(model: Model, path: Path, page: str, around: str) -> Iterator[tuple[Path, Type, str, str]]:
    """(path, type of an item, expression, its end) of the lists of an answer, outer ones first."""
    for one in model.properties:
        inner = without_none(one.type)
        if isinstance(inner, Listed) and not one.write_only:
            yield (*path, one.wire_name), inner.inner, f"{page}.{one.name}", around
    for one in () if path else model.properties:
        inner = without_none(one.type)
        if isinstance(inner, Model) and _word(one.wire_name) in _BESIDE:
            there = f"{page}.{one.name}"
            is_sure = one.required and isinstance(one.type, Model)
            yield from _lists(inner, (one.wire_name,), there, "" if is_sure else f" if {there} else None")


def _fields(model: Model, path: Path) -> Iterator[tuple[Path, Type]]:
    for one in model.properties:
        yield (*path, one.wire_name), one.type
    for one in () if path else model.properties:
        inner = without_none(one.type)
        if isinstance(inner, Model) and _word(one.wire_name) in _BESIDE:
            yield from _fields(inner, (one.wire_name,))


def _sent(operation: Operation) -> Iterator[_Sent]:
    for one in operation.parameters:
        if one.place == "query":
            yield _Sent(_word(one.wire_name), one.wire_name, one.type, "query", one.least)
    body = operation.body
    if body is not None and body.kind == "json" and isinstance(body.type, Model):
        for each in body.type.properties:
            least = each.default if isinstance(each.default, int) and not isinstance(each.default, bool) else None
            yield _Sent(_word(each.wire_name), each.wire_name, each.type, "body", least)


def _is_word(type: Type) -> bool:
    inner = without_none(type)
    members = inner.members if isinstance(inner, Union) else (inner,)
    return all(isinstance(one, Plain) and one in (*_TEXT, *_WHOLE, wire_types.UUID) for one in members)


# How there is a next page --------------------------------------------------------------------------------------------


def _said(answer: _Answer, sent: list[_Sent], said: PagesEntry) -> Paging:
    """As the manifest has it; what it leaves out is derived."""
    if said.way == "link":
        return Paging("link")
    if said.way == "address":
        return Paging("address", next=tuple(said.name.split(".")))
    found = next((one for one in sent if one.wire_name == said.name), None)
    if found is None:
        raise said.error(f"there is no {said.name!r} in its query or its JSON (there are: {_listed(sent)})")
    if said.way == "cursor":
        return Paging("cursor", found.wire_name, found.place, next=answer.find(_NEXT), more=_more(answer))
    return _numbered(said.way, found, answer)


def _listed(sent: list[_Sent]) -> str:
    return ", ".join(one.wire_name for one in sent) or "none"


def _derived(operation: Operation, answer: _Answer, sent: list[_Sent]) -> Paging | None:
    """By the names. What changes something is asked for again and again only where it reads like a search."""
    if operation.method not in {"get", "post"}:
        return None
    place = "query" if operation.method == "get" else "body"
    there = {one.name: one for one in sent if one.place == place}
    limits = bool(_LIMITS & there.keys())
    if (cursor := _cursor(answer, there)) is not None and (place == "query" or limits):
        return cursor
    if place == "query":
        address = answer.find(_ADDRESSES, _TEXT)
        if address and (_word(address[-1]) != "next" or limits or there.keys() & {*_NUMBERS, *_OFFSETS}):
            return Paging("address", next=address)
        if any(reply.has_links for reply in operation.replies if reply.is_success):
            return Paging("link")
    for way, names in (("page", _NUMBERS), ("offset", _OFFSETS)):
        found = next((there[name] for name in names if name in there and there[name].is_whole), None)
        is_sure = limits or (place == "query" and found is not None and found.name not in {"start", "from"})
        if found is not None and is_sure:
            return _numbered(way, found, answer)
    return None


def _cursor(answer: _Answer, there: Mapping[str, _Sent]) -> Paging | None:
    for one in there.values():
        if not _is_word(one.type) or one.name in _LIMITS:
            continue
        exact = answer.find((f"next_{one.name}", f"next_page_{one.name}"))
        rest = one.name.removeprefix("start_after_").removeprefix("starting_after_")
        exact = exact or (answer.find((f"last_{rest}",)) if rest != one.name else ())
        if one.name in _CURSORS:
            exact = exact or answer.find(_NEXT)
        if exact and not (one.name in _NUMBERS and one.is_whole):
            return Paging("cursor", one.wire_name, one.place, next=exact, more=_more(answer))
        more = _more(answer)
        if one.name in {"after", "after_id", "starting_after", "start_after", "last_id"} and more:
            return _after_the_last(one, answer, more)
    return None


def _after_the_last(one: _Sent, answer: _Answer, more: Path) -> Paging | None:
    """A server that wants the id of the last item."""
    named = [each.wire_name for each in answer.item.properties] if isinstance(answer.item, Model) else []
    return Paging("cursor", one.wire_name, one.place, next=("id",), of_last=True, more=more) if "id" in named else None


def _more(answer: _Answer) -> Path:
    return answer.find(_MORE, (wire_types.BOOLEAN,))


def _numbered(way: str, one: _Sent, answer: _Answer) -> Paging:
    first = one.least if one.least is not None else 0 if way == "offset" else 1
    return Paging(
        way,
        one.wire_name,
        one.place,
        more=_more(answer),
        total=answer.find(_TOTAL, _WHOLE),
        pages=answer.find(_PAGES, _WHOLE) if way == "page" else (),
        first=first,
    )
