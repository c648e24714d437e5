"""An operation of one of two servers, with the names that its users know."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from attrs import frozen

from cl_codegen.diff.addresses import bases_of
from cl_codegen.diff.change import Change
from cl_codegen.diff.document import Document, members
from cl_codegen.diff.rules import Rule, Way
from cl_codegen.model.command import Command
from cl_codegen.model.plugin import Plugin
from cl_codegen.model.read import Reading
from cl_codegen.spec.spec import METHODS, JSONObject
from cl_codegen.wire.endpoint import WireEndpoint


@frozen(eq=False)
class Operation:
    """An operation, as the server says it; what it is called comes from the generator.

    Attributes:
        id: as users know it; of several that have one id, with the method and the path.
        item: what the path says of all its operations.
        value: the operation itself.
        plugin: the typed method that was made of it.
        endpoint: the function of the wire layer; none where the generator left it out.
    """

    reading: Reading
    document: Document
    id: str
    path: str
    method: str
    item: JSONObject
    value: JSONObject
    plugin: Plugin | None
    endpoint: WireEndpoint | None

    @property
    def route(self) -> tuple[str, str]:
        """Where it is called, without the names of its parameters, which are the user's alone."""
        return self.method, re.sub(r"\{[^{}]*\}", "{}", self.path)

    @property
    def whole_route(self) -> tuple[str, str]:
        """The same, with what its server puts before its path."""
        return self.method, self.base + self.route[1]

    @property
    def has_own_servers(self) -> bool:
        return "servers" in self.value or "servers" in self.item

    @property
    def base(self) -> str:
        """The base path of its first server: its own, that of its path, or that of the document."""
        holder = next((one for one in (self.value, self.item) if "servers" in one), self.document.root)
        return next(iter(bases_of(holder)), "")

    @property
    def python(self) -> str:
        """How it is called: the method of the plugin, or the function of the wire layer."""
        if self.plugin is not None:
            return f"{self.plugin.layout.client}.{self.plugin.name}.{self.plugin.method}"
        if self.endpoint is None:
            return ""
        return f"{self.reading.wire.package}.api.{self.endpoint.tag}.{self.endpoint.module}"

    @property
    def cli(self) -> str:
        return f"{self.plugin.layout.program} {self.plugin.group} {self.plugin.verb}" if self.plugin else ""

    @property
    def arguments(self) -> list[str]:
        """The Python names of its parameters."""
        if self.plugin is not None:
            return [parameter.name for parameter in self.plugin.parameters]
        if self.endpoint is None:
            return []
        return [one.name for one in (*self.endpoint.path_arguments, *self.endpoint.keyword_arguments)]

    def python_of(self, wire_name: str, place: str = "body") -> str:
        """The Python name of a parameter."""
        if self.plugin is not None:
            every = (*self.plugin.parameters, *([self.plugin.priority] if self.plugin.priority else []))
            likely = [one for one in every if one.wire_name == wire_name]
            there = place if place in {"body", "path"} else "named"
            likely.sort(key=lambda one: one.place != there)
            return likely[0].name if likely else wire_name
        if self.endpoint is None or place == "body":
            return wire_name
        arguments = self.endpoint.path_arguments if place == "path" else self.endpoint.keyword_arguments
        return next((one.name for one in arguments if one.wire_name == wire_name), wire_name)

    def options_of(self, wire_name: str, place: str = "body") -> tuple[str, ...]:
        """The option of a parameter on the command line; nothing for a positional one, or without a command."""
        if self.plugin is None:
            return ()
        name = self.python_of(wire_name, place)
        if name == "priority":
            return ("--priority",)
        return next((one.names for one in Command.of(self.plugin).options if one.parameter == name), ())

    def change(self, rule: Rule, kind: str, what: str, part: str = "", way: Way = "sent") -> Change:
        """A change of it, or of a part of it."""
        where = f"{self.id}, {part}" if part else self.id
        return Change(rule.level(way), kind, where, what, self.python, self.cli, rule.name)

    def parameter_change(self, made: Change, wire_name: str, place: str = "body") -> Change:
        """A change of one of its parameters, with the names of that."""
        option = " ".join(self.options_of(wire_name, place)[:1])
        return Change(
            made.level,
            "parameter",
            made.where,
            made.what,
            f"{self.python}({self.python_of(wire_name, place)}=…)" if self.python else "",
            f"{self.cli} {option}".strip() if self.cli else "",
            made.rule,
        )


def operations_of(reading: Reading, document: Document) -> list[Operation]:
    """Every operation of a server."""
    found = [*_raw(document)]
    plugins = {plugin.operation: plugin for plugin in reading.plugins}
    paths = members(reading.spec.document.get("paths"))
    ids = Counter(str(value.get("operationId")) for _, _, _, value in found)
    operations: list[Operation] = []
    for path, method, item, value in found:
        known = members(members(paths.get(path)).get(method)).get("operationId")
        said = value.get("operationId")
        name = known if isinstance(known, str) else said if isinstance(said, str) else f"{method.upper()} {path}"
        shown = f"{name} ({method.upper()} {path})" if isinstance(said, str) and ids[said] > 1 else name
        endpoint = reading.wire.endpoints.get((path, method))
        plugin = plugins.get(name)
        if plugin is not None and plugin.path != path:
            plugin = None
        operations.append(Operation(reading, document, shown, path, method, item, value, plugin, endpoint))
    return operations


def _raw(document: Document) -> Iterator[tuple[str, str, JSONObject, JSONObject]]:
    for path, said in members(document.root.get("paths")).items():
        item = members(document.follow(said))
        for method in METHODS:
            if isinstance(value := item.get(method), dict):
                yield path, method, item, value


def pairs(
    old: list[Operation], new: list[Operation]
) -> tuple[list[tuple[Operation, Operation]], list[Operation], list[Operation]]:
    """Which operation is which: by route, else by id; and which are gone, and which are new."""
    found: list[tuple[Operation, Operation]] = []
    gone, came = list(old), list(new)

    def take(key_of_old: Sequence[object], key_of_new: Sequence[object]) -> None:
        places: dict[object, list[Operation]] = {}
        for key, operation in zip(key_of_new, list(came), strict=True):
            places.setdefault(key, []).append(operation)
        for key, operation in zip(key_of_old, list(gone), strict=True):
            if listed := places.get(key):
                other = listed.pop(0)
                found.append((operation, other))
                gone.remove(operation)
                came.remove(other)

    take([one.whole_route for one in gone], [one.whole_route for one in came])
    take([one.route for one in gone], [one.route for one in came])
    take([one.value.get("operationId") or one for one in gone], [one.value.get("operationId") or one for one in came])
    order = {id(one): place for place, one in enumerate(old)}
    return sorted(found, key=lambda pair: order[id(pair[0])]), gone, came
