"""One document of several: what a document refers to in files beside it becomes a part of it.

A reference is a URI relative to the file that has it (OpenAPI 3.1 §4.6, RFC 3986 §5). What it leads to becomes a
component, or takes the place of the reference where no component can stand (paths, all schemas of a folder).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias, cast
from urllib.parse import quote, unquote, urldefrag, urljoin, urlsplit
from urllib.request import url2pathname

from attrs import define, field, frozen

from cl_codegen.spec.json_value import JSONObject, JSONValue, SpecError, escape_pointer, read_json, unescape_pointer
from cl_codegen.spec.walk import references_below

Load: TypeAlias = Callable[[str], JSONValue]
"""The document at a URI; nothing, where there is none, or none that may be read."""

_BY_NAME: Final = {
    "parameters": "parameters",
    "responses": "responses",
    "headers": "headers",
    "requestBodies": "requestBodies",
    "schemas": "schemas",
    "securitySchemes": "securitySchemes",
    "paths": "",
    "webhooks": "",
    "pathItems": "",
    "callbacks": "callback",
    "content": "",
    "encoding": "",
    "links": "links",
    "examples": "examples",
}
"""What holds others by name, or by number: the section of components that these may be in, where there is one."""


def bundled(document: JSONObject, base: str, load: Load) -> JSONObject:
    """A document with all that it refers to elsewhere. What is not there stays a reference, which leads nowhere.

    Args:
        document: it is not changed.
        base: its URI.
        load: reads others.
    """
    bundle = _Bundle(copy.deepcopy(document), _plain(base), load)
    bundle.run()
    return bundle.document


def files_below(folder: Path) -> Load:
    """Reads JSON and YAML files of a folder, and what is below it; no others, wherever links lead.

    Raises (when called):
        SpecError: a file is neither.
    """
    root = folder.resolve()

    def load(uri: str) -> JSONValue:
        parts = urlsplit(uri)
        path = Path(url2pathname(parts.path)).resolve() if parts.scheme == "file" else None
        if path is None or not path.is_relative_to(root) or not path.is_file():
            return None
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as unreadable:
            raise SpecError(path, "#", f"cannot be read: {unreadable}") from None
        return read_document(path, text)

    return load


def read_document(source: Path | str, text: str) -> JSONValue:
    """A text as JSON, where its file is called so or it begins so, else as YAML.

    Raises:
        SpecError: it is neither.
    """
    if Path(source).suffix.lower() == ".json" or text.lstrip().startswith(("{", "[")):
        return read_json(source, text)
    from cl_codegen.spec.yaml_document import read_yaml

    return read_yaml(Path(source), text)


_Target: TypeAlias = tuple[str, str]
"""A URI without its fragment, and the fragment, which is a JSON pointer."""


@frozen
class _Mention:
    """A reference that is to be led to its place.

    Attributes:
        pointer: of what has it, in the whole.
        node: that; key: of the reference in it.
        base: the URI that it is relative to.
        trail: what it has come through.
    """

    pointer: str
    node: JSONObject
    key: str
    base: str
    trail: frozenset[_Target]


@define
class _Bundle:
    document: JSONObject
    base: str
    load: Load
    _known: dict[str, JSONValue] = field(factory=dict[str, JSONValue], init=False)
    _places: dict[_Target, str] = field(factory=dict[_Target, str], init=False)
    _waiting: tuple[list[_Mention], list[_Mention], list[_Mention]] = field(factory=lambda: ([], [], []), init=False)
    """Those whose place is taken by what they lead to, the components of the document itself, and all others: in this
    order, so that a file that has a name in the document keeps it."""

    def run(self) -> None:
        self._collect(self.document, "#", self.base, frozenset())
        while (waiting := next((each for each in self._waiting if each), None)) is not None:
            self._settle(waiting.pop(0))

    def _collect(self, value: JSONValue, pointer: str, base: str, trail: frozenset[_Target]) -> None:
        """Note the references of a part of the document that came from `base`."""
        for at, node, key, reference in references_below(value, pointer):
            if base == self.base and reference.startswith("#"):
                continue
            if key != "$ref" and not _is_file(reference):
                continue  # A mapping of a discriminator may have bare names.
            mention = _Mention(at, node, key, base, trail)
            section, is_name = _section(at)
            steps = at.split("/")
            is_component = len(steps) == 4 and steps[1] == "components"
            order = 2 if key != "$ref" else 0 if not section or not is_name else 1 if is_component else 2
            self._waiting[order].append(mention)

    def _settle(self, mention: _Mention) -> None:
        reference = str(mention.node[mention.key])
        address, fragment = urldefrag(_plain(urljoin(mention.base, reference)))
        target = (address, unquote(fragment).rstrip("/"))
        if address == self.base:
            mention.node[mention.key] = f"#{target[1]}"
            return
        if (place := self._place(target)) is not None:
            mention.node[mention.key] = place
            return
        found = _at(self._document(address), target[1])
        if not isinstance(found, dict):
            if mention.base != self.base:  # Its own file says where it leads; here it would be another place.
                mention.node[mention.key] = f"{address}#{fragment}" if fragment else address
            return
        section, is_name = _section(mention.pointer)
        steps = mention.pointer.split("/")
        if mention.key == "$ref" and (not section or not is_name or (len(steps) == 4 and steps[1] == "components")):
            self._put_in_place(mention, target, found)
            return
        name = self._name(section or "schemas", target)
        piece = copy.deepcopy(found)
        self._components(section or "schemas")[name] = piece
        place = f"#/components/{section or 'schemas'}/{escape_pointer(name)}"
        self._places[target] = place
        mention.node[mention.key] = place
        self._collect(piece, place, address, mention.trail)

    def _put_in_place(self, mention: _Mention, target: _Target, found: JSONObject) -> None:
        """Members beside the reference replace those of its target."""
        if target in mention.trail:
            return
        beside = {key: value for key, value in mention.node.items() if key != "$ref"}
        piece = copy.deepcopy(found)
        mention.node.clear()
        mention.node.update({**piece, **beside})
        if _section(mention.pointer)[0]:
            self._places[target] = mention.pointer
        self._collect(
            {key: value for key, value in mention.node.items() if key not in beside and key != "$ref"},
            mention.pointer,
            target[0],
            mention.trail | {target},
        )
        if isinstance(mention.node.get("$ref"), str):  # One reference leads to another.
            again = _Mention(mention.pointer, mention.node, "$ref", target[0], mention.trail | {target})
            self._waiting[0].append(again)

    def _place(self, target: _Target) -> str | None:
        """Where a target is in the document, if it is there already, by itself or in something larger."""
        address, pointer = target
        steps = pointer.split("/")
        for length in range(len(steps), 0, -1):
            around = self._places.get((address, "/".join(steps[:length])))
            if around is not None:
                return "/".join([around, *steps[length:]])
        return None

    def _document(self, address: str) -> JSONValue:
        if address not in self._known:
            self._known[address] = self.load(address)
        return self._known[address]

    def _components(self, section: str) -> JSONObject:
        components = cast("JSONObject", self.document.setdefault("components", {}))
        return cast("JSONObject", components.setdefault(section, {}))

    def _name(self, section: str, target: _Target) -> str:
        last = unescape_pointer(target[1].rpartition("/")[2])
        wanted = last or Path(unquote(urlsplit(target[0]).path)).name.partition(".")[0]
        wanted = re.sub(r"[^\w.-]", "_", wanted) or "part"
        there = self._components(section)
        numbers = (wanted if number == 1 else f"{wanted}{number}" for number in range(1, len(there) + 2))
        return next(name for name in numbers if name not in there)


def _plain(uri: str) -> str:
    """A URI in one spelling: `a b.yaml` is `a%20b.yaml` (RFC 3986 §6.2.2)."""
    parts = urlsplit(uri)
    return parts._replace(path=quote(unquote(parts.path), safe="/:@!$&'()*+,;=~")).geturl()


def _is_file(reference: str) -> bool:
    return "#" in reference or "/" in reference or reference.lower().endswith((".json", ".yaml", ".yml"))


def _section(pointer: str) -> tuple[str, bool]:
    """The section of components that what stands at a pointer may be in, and whether it is one thing of it, not all."""
    steps = pointer.split("/")[1:]
    section, is_name, place = "", True, 0
    while place < len(steps):
        step = steps[place]
        if step in _BY_NAME:
            section, is_name = _BY_NAME[step], place + 1 < len(steps)
            place += 2
        else:
            section = {"schema": "schemas", "requestBody": "requestBodies"}.get(step, "")
            is_name = True
            place += 1
        if section == "schemas":
            return section, is_name
    return ("", is_name) if section == "callback" else (section, is_name)


def _at(value: JSONValue, pointer: str) -> JSONValue:
    """What stands at a JSON pointer; nothing, where there is nothing."""
    for step in pointer.split("/")[1:]:
        key = unescape_pointer(step)
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value
