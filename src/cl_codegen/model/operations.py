"""The operations of a server that are no jobs, read by their tags."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from attrs import evolve

from cl_codegen.manifest.manifest import suggestion
from cl_codegen.manifest.pages_table import PagesEntry
from cl_codegen.model.group import Given, Group, Method
from cl_codegen.model.pages import Pages, pages_of
from cl_codegen.model.reserved import CLIENT_WORDS, COMMAND_WORDS, PROGRAM_OPTIONS
from cl_codegen.spec.spec import Node, Spec
from cl_codegen.text import naming
from cl_codegen.text.escape import SpecText, literal, one_line
from cl_codegen.text.layout import Layout
from cl_codegen.wire.endpoint import Argument, WireBody, WireEndpoint
from cl_codegen.wire.model_field import Field
from cl_codegen.wire.wire import Wire

_CALL_WORDS: Final = frozenset(
    ["self", "body", "dest", "on_progress", "data", "run_", "value", "all_", "at_most_", "stream_"]
)
_MODULE_WORDS: Final = frozenset(
    [
        *("UNSET", "AsyncGenerator", "Call", "DownloadCallback", "File", "FileInput", "JSONObject", "JSONValue"),
        *("Literal", "OperationGroup", "Path", "ServerEvent", "UUID", "Unset"),
        *("annotations", "app", "builtins", "content", "datetime", "os", "upload"),
    ]
)
_NAMES_IN_HINTS: Final = frozenset(["datetime", "os"])
"""Names in the annotations of a group: in its class, they would mean a method of that name. Names of Python itself get
the prefix `builtins`."""
_PLAIN: Final = frozenset(["str", "int", "float", "bool"])
_TEXTS: Final = {"datetime.date", "datetime.datetime", "UUID"}


def read_groups(
    spec: Spec,
    wire: Wire,
    layout: Layout,
    *,
    jobs: Collection[str],
    taken: Collection[str],
    pages: Mapping[str, PagesEntry],
) -> tuple[Group, ...]:
    """The groups of a normalised spec, by name.

    Args:
        spec: normalised.
        wire: of it.
        layout: of the package.
        jobs: the ids of the operations that are about jobs, and have methods of their own.
        taken: the names of plugins.
        pages: what the manifest says of lists that come page by page, by the id of the operation.

    Raises:
        SpecError: that is not so.
    """
    names, commands = {*CLIENT_WORDS, *taken}, {*COMMAND_WORDS, *map(naming.kebab, taken)}
    described = _descriptions(spec)
    found: dict[str, list[tuple[WireEndpoint, Pages | None]]] = {}
    known = {operation.name for operation in wire.operations}
    for name, entry in pages.items():
        if name not in known:
            raise entry.error(f"the spec has no operation {name!r}{suggestion(name, known)}")
    for operation in wire.operations:
        if operation.name not in jobs:
            endpoint = wire.endpoints[operation.path, operation.method]
            found.setdefault(operation.tag, []).append((endpoint, pages_of(operation, pages.get(operation.name))))
    groups: list[Group] = []
    for tag, endpoints in found.items():
        name = naming.unique(f"{tag}_api" if tag in names else tag, names)
        command = naming.kebab(name)
        command = naming.unique(f"{command}-api" if command in commands else command, commands)
        names.add(name)
        commands.add(command)
        said = described.get(tag) or name.replace("_", " ").capitalize()
        methods = tuple(_methods(endpoints))
        class_name = f"{naming.pascal(name)}Operations"
        groups.append(Group(name, command, class_name, tag, SpecText(one_line(said)), methods, layout))
    return tuple(sorted(groups, key=lambda group: group.name))


def _descriptions(spec: Spec) -> dict[str, str]:
    tags = spec.root.find("tags")
    found: dict[str, str] = {}
    for tag in tags.elements() if tags is not None and isinstance(tags.value, list) else ():
        name, description = tag.value_of("name"), tag.value_of("description")
        if isinstance(name, str) and isinstance(description, str) and description.strip():
            found[naming.snake(name, fallback="tag")] = description.strip().split("\n")[0]
    return found


def _methods(endpoints: list[tuple[WireEndpoint, Pages | None]]) -> Iterator[Method]:
    names: set[str] = {"mro"}
    commands: set[str] = set()
    methods: list[Method] = []
    for endpoint, pages in endpoints:
        wanted = f"{endpoint.module}_" if endpoint.module in _NAMES_IN_HINTS else endpoint.module
        name = naming.unique(wanted, names)
        command = naming.unique(naming.kebab(name), commands)
        names.add(name)
        commands.add(command)
        methods.append(
            evolve(
                _method(endpoint, name, command),
                pages=pages,
                stream=None if endpoint.returns == "bytes" else endpoint.stream,
            )
        )
    # What the spec has keeps its name.
    for method in methods:
        every = naming.unique(f"{method.name}_all", names) if method.pages is not None else ""
        streamed = "" if method.stream is None else method.name
        if method.stream is not None and not method.is_stream:
            streamed = naming.unique(f"{method.name}_stream", names)
        names.update((every, streamed))
        classes = tuple(sorted({*method.classes, *(() if method.pages is None else method.pages.classes)}))
        given = tuple(_beside(one, _OPTIONS) if method.pages or method.stream else one for one in method.given)
        yield evolve(method, every=every, streamed=streamed, classes=classes, given=given)


_OPTIONS: Final = frozenset(["--all", "--at-most", "--stream"])
"""Of commands whose answers come one after the other."""


def _beside(given: Given, options: frozenset[str]) -> Given:
    """An argument whose option is none of these."""
    if given.option not in options:
        return given
    old, new = literal(given.option), literal(f"{given.option}-value")
    read, decoded = given.read.replace(old, new), given.decoded.replace(old, new)
    return evolve(given, option=f"{given.option}-value", read=read, decoded=decoded)


def _method(endpoint: WireEndpoint, name: str, command: str) -> Method:
    body = endpoint.body
    taken = {*_CALL_WORDS, *_MODULE_WORDS, name}
    given: list[Given] = []
    for argument in (*endpoint.path_arguments, *endpoint.keyword_arguments):
        chosen = naming.unique(argument.name, taken)
        taken.add(chosen)
        given.append(_of_argument(argument, chosen, "path" if argument in endpoint.path_arguments else "named"))
    form = body.type if body is not None and body.kind == "form" and body.fields else None
    whole: Given | None = None
    if body is not None and form is not None:
        for field in body.fields:
            chosen = naming.unique(field.name, taken)
            taken.add(chosen)
            given.append(_of_field(field, chosen))
    elif body is not None:
        whole = _whole(body)
        given.append(whole)
    classes = {class_ for _, class_ in endpoint.models} | {class_ for one in given for class_ in one.classes}
    saves = endpoint.returns == "bytes"
    return Method(
        name=name,
        command=command,
        module=f"{endpoint.tag}.{endpoint.module}",
        alias=f"call_{endpoint.module}",
        summary=SpecText(endpoint.summary or name.replace("_", " ").capitalize()),
        description=SpecText(endpoint.description),
        route=SpecText(f"{endpoint.method} {endpoint.spec_path}"),
        given=tuple(given),
        returns="Path" if saves else endpoint.returns,
        saves=saves,
        file=naming.kebab(name),
        never_json=saves and _is_never_json(endpoint.media),
        form=form,
        body=whole,
        classes=tuple(sorted(classes | ({form} if form else set()))),
    )


def _is_never_json(media: str) -> bool:
    kind = media.partition(";")[0].strip().lower()
    return "/" in kind and "*" not in kind and "json" not in kind and kind != "application/octet-stream"


def _of_argument(argument: Argument, name: str, place: str) -> Given:
    kind, read = _said(name, argument.type, argument.read)
    default = f" = {literal(argument.only)}" if argument.only is not None else " | Unset = UNSET"
    return Given(
        name=name,
        type=argument.type,
        required=argument.required,
        value=name,
        sent_as=argument.name,
        place=place,
        option=_option(name),
        kind=kind,
        read=read,
        help=SpecText(one_line(argument.description)),
        default=default,
        decoded=_decoded(name, argument.type, argument.read),
        classes=tuple(class_ for _, class_ in argument.classes),
    )


def _of_field(field: Field, name: str) -> Given:
    required = field.default == ""
    type = field.value_type
    value, kind, read = name, *_said(name, type, field.read)
    parts = type.split(" | ")
    if field.sent_as == "file" and "list[File]" in parts:
        type, kind = type.replace("File", "FileInput"), "list[Place]"
        read = f"[source(each) for each in {name}]"
        value = f"[upload(each) for each in {name}]"
    elif field.sent_as == "file":
        type, kind, read = type.replace("File", "FileInput"), "Place", f"source({name})"
        value = f"upload({name})"
    elif field.sent_as == "part":
        kind, read = "Path", f"upload({name})"
    if value != name and "None" in parts:
        value = f"None if {name} is None else {value}"
    if value != name and not required:
        value = f"UNSET if isinstance({name}, Unset) else {value}"
    default = " | Unset = UNSET" if field.default in {"", " = UNSET"} else field.default
    return Given(
        name=name,
        type=type,
        required=required,
        value=value,
        sent_as=field.name,
        place="field",
        option=_option(name),
        kind=kind,
        read=read,
        help=SpecText(one_line(field.description)),
        default=default,
        decoded=_decoded(name, type, field.read),
        classes=tuple(class_ for _, class_ in field.classes),
    )


def _decoded(name: str, type: str, read: str | None, *, source: str | None = None) -> str:
    """The value of an option that is written as JSON."""
    option, text = literal(_option(name)), source or name
    if read is not None:
        return f"read_option({option}, {text}, lambda value: {read})"
    given = f"json_option({option}, {text})"
    return given if type == "JSONValue" else f"cast({literal(type)}, {given})"


def _option(name: str) -> str:
    """The option for an argument: none that the command of every operation has."""
    option = f"--{naming.kebab(name)}"
    return f"{option}-value" if option in PROGRAM_OPTIONS else option


def _whole(body: WireBody) -> Given:
    """The whole body, where it is no form."""
    required = body.required
    if body.kind == "content":
        value = "content(body)" if required else "UNSET if isinstance(body, Unset) else content(body)"
        said = SpecText("The file to send.")
        return Given("body", "FileInput", required, value, "body", "body", "--body", "Place", "source(body)", said)
    said = SpecText("The body, as JSON, @FILE or -.")
    decoded = _decoded("body", body.type, body.read, source="body_option(body)")
    given = Given("body", body.type, required, "body", "body", "body", "--body", "str", "", said, decoded=decoded)
    return evolve(given, classes=tuple(class_ for _, class_ in body.classes))


def _said(name: str, type: str, read: str | None) -> tuple[str, str]:
    """(type of the option, expression of the value): plain where a command line has it, else JSON."""
    parts = [part for part in type.split(" | ") if part != "None"]
    if len(parts) == 1 and parts[0] in _PLAIN:
        return parts[0], name
    if len(parts) == 1 and parts[0] in {f"list[{plain}]" for plain in _PLAIN}:
        return parts[0], f"[*{name}]"
    if len(parts) == 1 and parts[0] in _TEXTS and read is not None:
        return "str", f"read_text({literal(_option(name))}, {name}, {_reader(parts[0])})"
    return "str", ""


def _reader(type: str) -> str:
    return {"UUID": "UUID"}.get(type, f"{type}.fromisoformat")


def job_operations(spec: Spec, plugins: Collection[str], routes: Collection[Node]) -> set[str]:
    """The ids of the operations that create jobs, and of those that say how these are."""
    said = {str(node.value_of("operationId")) for node in routes}
    return {*plugins, *said} & {str(operation.value_of("operationId")) for _, _, operation in spec.operations()}
