"""What changed in the operations of a server: their names, parameters and answers."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import field, frozen

from cl_codegen.diff.change import Change, Finding, Level
from cl_codegen.diff.schemas import compare
from cl_codegen.model.command import Command
from cl_codegen.model.plugin import Plugin
from cl_codegen.model.read import Reading
from cl_codegen.spec.schema_types import properties, required_of
from cl_codegen.spec.spec import JSONValue, Node
from cl_codegen.wire.endpoint import WireEndpoint


@frozen(eq=False)
class Operation:
    """An operation of one of the two servers, with its names."""

    reading: Reading
    id: str
    path: str
    method: str
    node: Node
    plugin: Plugin | None

    @property
    def endpoint(self) -> WireEndpoint:
        return self.reading.wire.endpoints[self.path, self.method]

    @property
    def python(self) -> str:
        """How it is called: the method of the plugin, or the function of the wire layer."""
        if self.plugin is not None:
            return f"client.{self.plugin.name}.{self.plugin.method}"
        return f"{self.reading.wire.package}.api.{self.endpoint.tag}.{self.endpoint.module}"

    @property
    def cli(self) -> str:
        return f"{self.plugin.layout.program} {self.plugin.group} {self.plugin.verb}" if self.plugin else ""

    def python_of(self, wire_name: str) -> str:
        """The Python name of a parameter."""
        if self.plugin is not None:
            every = (*self.plugin.parameters, *([self.plugin.priority] if self.plugin.priority else []))
            return next((one.name for one in every if one.wire_name == wire_name), wire_name)
        arguments = (*self.endpoint.path_arguments, *self.endpoint.keyword_arguments)
        return next((one.name for one in arguments if one.wire_name == wire_name), wire_name)

    def options_of(self, wire_name: str) -> tuple[str, ...]:
        """How a parameter is said on the command line; nothing for a positional one, and where there is no command."""
        if self.plugin is None:
            return ()
        name = self.python_of(wire_name)
        if name == "priority":
            return ("--priority",)
        return next((one.names for one in Command.of(self.plugin).options if one.parameter == name), ())

    def change(self, level: Level, kind: str, what: str, part: str = "", parameter: str = "") -> Change:
        """A change of it, or of one of its parameters."""
        option = " ".join(self.options_of(parameter)[:1])
        return Change(
            level=level,
            kind=kind,
            where=f"{self.id}, {part}" if part else self.id,
            what=what,
            python=f"{self.python}({self.python_of(parameter)}=…)" if parameter else self.python,
            cli=f"{self.cli} {option}".strip() if self.cli else "",
        )


@frozen
class Argument:
    """One parameter of an operation, wherever a request has it."""

    place: str
    required: bool
    schema: Node | None
    around: Node | None = field(default=None)
    """What holds the description, where that is not the schema."""


def operations_by_id(reading: Reading) -> dict[str, Operation]:
    """Every operation of a server, with its names."""
    plugins = {plugin.operation: plugin for plugin in reading.plugins}
    listed: dict[str, Operation] = {}
    for path, method, node in reading.spec.operations():
        name = node.at("operationId").text()
        listed[name] = Operation(reading, name, path, method, node, plugins.get(name))
    return listed


def operations(old: Reading, new: Reading) -> Iterator[Change]:
    """The changes of operations; one whose id is another is found by its path."""
    before, after = operations_by_id(old), operations_by_id(new)
    places = {(one.path, one.method): one for one in after.values() if one.id not in before}
    taken: set[str] = set()
    for name, operation in before.items():
        other = after.get(name) or places.get((operation.path, operation.method))
        if other is None:
            yield operation.change(Level.BREAKING, "operation", "the operation is gone")
            continue
        taken.add(other.id)
        yield from _operation(operation, other)
    for name, operation in after.items():
        if name not in taken:
            asked = _python_arguments(operation)
            what = f"the operation is new, with {', '.join(asked)}" if asked else "the operation is new"
            yield operation.change(Level.COMPATIBLE, "operation", what)


def _python_arguments(operation: Operation) -> list[str]:
    if operation.plugin is not None:
        return [parameter.name for parameter in operation.plugin.parameters]
    return [one.name for one in (*operation.endpoint.path_arguments, *operation.endpoint.keyword_arguments)]


def _operation(old: Operation, new: Operation) -> Iterator[Change]:
    yield from _names(old, new)
    if (old.path, old.method) != (new.path, new.method):
        what = f"is {new.method.upper()} {new.path} now, was {old.method.upper()} {old.path}"
        yield new.change(Level.BREAKING, "operation", what)
    for key in ("summary", "description"):
        if old.node.value_of(key) != new.node.value_of(key):
            yield new.change(Level.COSMETIC, "operation", f"the {key} is another")
    deprecated = old.node.value_of("deprecated") is True, new.node.value_of("deprecated") is True
    if deprecated[0] != deprecated[1]:
        level = Level.COMPATIBLE if deprecated[1] else Level.COSMETIC
        yield new.change(level, "operation", "is deprecated now" if deprecated[1] else "is not deprecated any more")
    secured = _security(old), _security(new)
    if secured[0] != secured[1]:
        hurts = bool(secured[1])
        what = f"wants {secured[1]} now" if hurts else f"does not want {secured[0]} any more"
        yield new.change(Level.BREAKING if hurts else Level.COMPATIBLE, "operation", what)
    yield from _parameters(old, new)
    yield from _responses(old, new)


def _names(old: Operation, new: Operation) -> Iterator[Change]:
    if old.python != new.python:
        yield new.change(Level.BREAKING, "operation", f"is called {new.python} now, was {old.python}")
    elif old.id != new.id:
        yield new.change(Level.COSMETIC, "operation", f"the operation id is {new.id} now, was {old.id}")
    if old.cli and old.cli != new.cli:
        yield new.change(Level.BREAKING, "operation", f"the command is {new.cli or 'gone'} now, was {old.cli}")
    if old.plugin and new.plugin and old.plugin.task_type != new.plugin.task_type:
        what = f"the task type is {new.plugin.task_type.raw} now, was {old.plugin.task_type.raw}"
        yield new.change(Level.BREAKING, "operation", what)
    if old.plugin and new.plugin:
        before = [parameter.name for parameter in old.plugin.parameters]
        after = [parameter.name for parameter in new.plugin.parameters]
        kept = [name for name in before if name in after]
        if after[: len(kept)] != kept:
            what = f"positional arguments are ({', '.join(after)}) now, were ({', '.join(before)})"
            yield new.change(Level.BREAKING, "operation", f"{what}; `order` in the manifest keeps them")


def _security(operation: Operation) -> str:
    said = operation.node.find("security") or operation.reading.spec.root.find("security")
    schemes = [name for one in (said.elements() if said else ()) for name, _ in one.members()]
    return " or ".join(dict.fromkeys(schemes))


def _parameters(old: Operation, new: Operation) -> Iterator[Change]:
    media = _media(old), _media(new)
    if media[0] and media[1] and media[0] != media[1]:
        yield new.change(Level.BREAKING, "parameter", f"the body is {media[1]} now, was {media[0]}")
    before, after = dict(_arguments(old)), dict(_arguments(new))
    for name, argument in before.items():
        if name not in after:
            yield old.change(Level.BREAKING, "parameter", "is gone", f"parameter {name}", name)
            continue
        other = after[name]
        findings = [*_moved(argument, other)]
        if argument.schema is not None and other.schema is not None:
            findings += compare(argument.schema, other.schema, "sent")
        if argument.around and other.around and _described(argument) != _described(other):
            findings.append(Finding(Level.COSMETIC, "", "the description is another"))
        for found in findings:
            yield new.change(found.level, "parameter", found.what, f"parameter {name}{_below(found.place)}", name)
        yield from _said_otherwise(old, new, name)
    for name, argument in after.items():
        if name not in before:
            level = Level.BREAKING if argument.required else Level.COMPATIBLE
            what = "is new, and required" if argument.required else "is new"
            yield new.change(level, "parameter", what, f"parameter {name}", name)


def _described(argument: Argument) -> JSONValue:
    return argument.around.value_of("description") if argument.around else None


def _moved(old: Argument, new: Argument) -> Iterator[Finding]:
    if old.place != new.place:
        yield Finding(Level.BREAKING, "", f"goes in the {new.place} now, was in the {old.place}")
    if new.required and not old.required:
        yield Finding(Level.BREAKING, "", "is required now")
    elif old.required and not new.required:
        yield Finding(Level.COMPATIBLE, "", "is optional now")


def _said_otherwise(old: Operation, new: Operation, name: str) -> Iterator[Change]:
    """The names of a parameter that stays: the manifest may give it others."""
    python = old.python_of(name), new.python_of(name)
    if python[0] != python[1]:
        what = f"is called {python[1]} in Python now, was {python[0]}"
        yield new.change(Level.BREAKING, "parameter", what, f"parameter {name}", name)
    options = old.options_of(name), new.options_of(name)
    if old.plugin and new.plugin and not set(options[0]) <= set(options[1]):
        said = [", ".join(names) or "positional" for names in options]
        what = f"is {said[1]} on the command line now, was {said[0]}"
        yield new.change(Level.BREAKING, "parameter", what, f"parameter {name}", name)


def _media(operation: Operation) -> str:
    body = operation.node.find("requestBody")
    return next((kind for kind, _ in body.follow().at("content").members()), "") if body else ""


def body_schema(operation: Operation) -> Node | None:
    """The schema of what an operation is sent."""
    body = operation.node.find("requestBody")
    for _, media in body.follow().at("content").members() if body else ():
        return media.find("schema")
    return None


def _arguments(operation: Operation) -> Iterator[tuple[str, Argument]]:
    item = operation.reading.spec.root.at("paths").at(operation.path)
    for holder in (item, operation.node):
        listed = holder.find("parameters")
        for one in listed.elements() if listed else ():
            parameter = one.follow()
            required = parameter.value_of("required") is True
            place = parameter.at("in").text()
            yield (
                parameter.at("name").text(),
                Argument(place, required or place == "path", parameter.find("schema"), parameter),
            )
    schema = body_schema(operation)
    if schema is None:
        return
    fields = dict(properties(schema.follow()))
    needed = required_of(schema.follow())
    for name, one in fields.items():
        yield name, Argument("body", name in needed, one)
    if not fields:
        body = operation.node.at("requestBody").follow()
        yield "body", Argument("body", body.value_of("required") is True, schema)


def _responses(old: Operation, new: Operation) -> Iterator[Change]:
    before, after = dict(old.node.at("responses").members()), dict(new.node.at("responses").members())
    for code in [*before, *(code for code in after if code not in before)]:
        part = f"answer {code}"
        if code not in after:
            yield new.change(Level.COMPATIBLE, "response", "is gone", part)
        elif code not in before:
            # A status of success that the spec did not know is an error to a client made from it.
            level = Level.BREAKING if code.startswith("2") else Level.COMPATIBLE
            yield new.change(level, "response", "is new", part)
        else:
            for found in _answer(before[code].follow(), after[code].follow()):
                yield new.change(found.level, "response", found.what, f"{part}{_below(found.place)}")
    outputs = _output(old), _output(new)
    if outputs[0] != outputs[1]:
        what = f"the output is {outputs[1] or 'any object'} now, was {outputs[0] or 'any object'}"
        yield new.change(Level.BREAKING, "response", what)


def _answer(old: Node, new: Node) -> Iterator[Finding]:
    before, after = _content(old), _content(new)
    if before[0] != after[0]:
        yield Finding(Level.BREAKING, "", f"is {after[0] or 'empty'} now, was {before[0] or 'empty'}")
    elif before[1] is not None and after[1] is not None:
        yield from compare(before[1], after[1], "read")
    if old.value_of("description") != new.value_of("description"):
        yield Finding(Level.COSMETIC, "", "the description is another")


def _content(response: Node) -> tuple[str, Node | None]:
    content = response.find("content")
    for kind, media in content.members() if content else ():
        return kind, media.find("schema")
    return "", None


def _output(operation: Operation) -> str:
    return (operation.plugin.output or "") if operation.plugin else ""


def _below(place: str) -> str:
    return place if place.startswith(("[", "{")) or not place else f".{place}"
