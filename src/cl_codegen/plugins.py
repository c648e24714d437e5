"""The plugins of a server, read from its spec and the manifest: what the templates of the plugin layer are given."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from attrs import frozen

from cl_codegen import naming
from cl_codegen.escape import SpecText, literal, one_line
from cl_codegen.manifest import Entry, Manifest, suggestion
from cl_codegen.schema_types import bounds_of, choices_of, kind_of, python_type, without_null
from cl_codegen.spec import JSONValue, Node, Spec
from cl_codegen.wire import Wire
from cl_codegen.wire_endpoint import WireEndpoint

_CALL_WORDS = frozenset(
    ["self", "wait", "timeout", "on_progress", "on_complete", "on_upload", "priority", "idempotency_key"]
)
"""What every typed method takes beside the parameters of the plugin."""

_MODULE_WORDS = frozenset(
    [
        "annotations",
        "Literal",
        "UNSET",
        "Unset",
        "JSONObject",
        "JSONValue",
        "FileInput",
        "Job",
        "JobCallback",
        "JobResponse",
        "Operation",
        "Parameter",
        "PluginClient",
        "UploadCallback",
        "upload",
        "without_key",
    ]
)

_CLIENT_WORDS = frozenset(
    [
        "abstractmethod",
        "api",
        "base_url",
        "cached_property",
        "close",
        "delete_job",
        "download_job_file",
        "embedded",
        "get_capabilities",
        "get_job",
        "jobs",
        "map",
        "as_completed",
        "mqtt_broker",
        "mqtt_port",
        "plugins",
        "property",
        "commands",
        "subscribe_job_updates",
        "submitter",
        "sync",
        "unsubscribe",
        "wait_for_job",
        "wait_for_workers",
        "workers",
    ]
)
"""What the client has already: no plugin can be called so."""

_COMMAND_WORDS = frozenset(
    [
        "batch",
        "capabilities",
        "completion",
        "config",
        "demo",
        "doctor",
        "download",
        "embeddings",
        "jobs",
        "login",
        "logout",
        "server",
        "user",
        "whoami",
        "workers",
    ]
)
"""What the command line has already: no plugin's commands can be called so."""

_CLIENT_CLASS_WORDS = frozenset(["attach", "operation", "path", "task_type", "submit_with_files", "submit_job"])

_TASK_PATHS = (re.compile(r"/(?:.+/)?jobs/([^/{}]+)/?"), re.compile(r"/(?:.+/)?([^/{}]+)/jobs/?"))


@frozen
class Parameter:
    """One parameter of a plugin: a form field, and how people say it.

    Attributes:
        name: in Python.
        wire_name: in the request.
        field: of the body's model.
        type: in Python, without Unset.
        option: on the command line (`--output-format`); a positional argument has none.
        flags: other spellings of the option, from the manifest.
        help: the description of the spec, on one line.
        bounds: by the names that `cl_client.plugin.Parameter` has for them.
        choices: the words of an enum.
        default: what the server takes where nothing is sent; to be shown, never to be sent.
    """

    name: str
    wire_name: SpecText
    field: str
    type: str
    required: bool
    is_file: bool
    is_list: bool
    option: str
    flags: tuple[str, ...]
    help: SpecText
    bounds: tuple[tuple[str, int | float | str], ...] = ()
    choices: tuple[str | int | float, ...] = ()
    default: JSONValue = None

    @property
    def is_checked(self) -> bool:
        return bool(self.bounds or self.choices)

    @property
    def doc(self) -> SpecText:
        """The help, with the server's default, for a docstring."""
        help = self.help.raw
        sentence = help if not help or help.endswith((".", "!", "?")) else f"{help}."
        shown = self.default if isinstance(self.default, str) else literal(self.default)
        said = [sentence, f"Default: {shown}." if self.default is not None else ""]
        return SpecText(" ".join(part for part in said if part) or "See the documentation of the server.")


@frozen
class OutputField:
    """One field of a plugin's output."""

    name: str
    wire_name: SpecText
    help: SpecText


@frozen
class Plugin:
    """One plugin: its client class, its method, its command.

    Attributes:
        name: attribute of the client, and module.
        operation: the id of the operation, as the normalised spec has it.
        class_name: of its client.
        constant: of the `Operation`.
        group, verb: of the command line.
        method: of the client class.
        task_type: the word of the wire.
        path: where jobs are posted, as the spec has it.
        summary: one line; description: all that the spec says.
        package: of the wire layer (`cl_api.compute`).
        endpoint: its module there, with the tag (`jobs.create_hash_job`).
        body: the model of the form; output: the model of the output (None: any object).
        artifact: see `manifest.Entry`.
        files: the parameters that are files; parameters: all, required ones first.
        priority: the parameter of that name, where the form has one.
        keeps_keys: whether a submit may carry an `Idempotency-Key`.
    """

    name: str
    operation: str
    class_name: str
    constant: str
    group: str
    verb: str
    method: str
    task_type: SpecText
    path: SpecText
    summary: SpecText
    description: SpecText
    package: str
    tag: str
    endpoint: str
    body: str
    output: str | None
    output_fields: tuple[OutputField, ...]
    artifact: str | None
    parameters: tuple[Parameter, ...]
    priority: Parameter | None
    keeps_keys: bool
    example: SpecText

    @property
    def files(self) -> tuple[Parameter, ...]:
        return tuple(parameter for parameter in self.parameters if parameter.is_file)

    @property
    def options(self) -> tuple[Parameter, ...]:
        return tuple(parameter for parameter in self.parameters if not parameter.is_file)

    @property
    def required(self) -> tuple[Parameter, ...]:
        return tuple(parameter for parameter in self.parameters if parameter.required)

    @property
    def checked(self) -> tuple[Parameter, ...]:
        """Everything whose value can be held against a bound before the upload, the priority included."""
        every = [*self.options, *([self.priority] if self.priority else [])]
        return tuple(parameter for parameter in every if parameter.is_checked)


def read_plugins(spec: Spec, manifest: Manifest, wire: Wire) -> tuple[Plugin, ...]:
    """The plugins of a normalised spec, by name.

    Raises:
        SpecError: the manifest says what the spec does not have (the line is named), or an operation cannot be called.
    """
    operations = {
        operation.at("operationId").text(): (path, method, operation) for path, method, operation in spec.operations()
    }
    entries: dict[str, Entry] = {}
    groups: set[str] = set()
    for entry in manifest.entries:
        if entry.operation not in operations:
            raise entry.error(
                "operation", f"the spec has no {entry.operation!r}{suggestion(entry.operation, operations)}"
            )
        if entry.operation in entries:
            raise entry.error("operation", f"{entry.operation} belongs to [{entries[entry.operation].plugin}] already")
        if entry.plugin in _CLIENT_WORDS:
            raise entry.error("table", f"the client has a {entry.plugin!r} of its own")
        if entry.group in groups or entry.group in _COMMAND_WORDS:
            raise entry.error("group", f"the command line has a {entry.group!r} already")
        groups.add(entry.group)
        entries[entry.operation] = entry
    taken = {entry.plugin for entry in entries.values()} | _CLIENT_WORDS
    plugins: list[Plugin] = []
    for operation_id, (path, method, operation) in operations.items():
        entry = entries.get(operation_id)
        if entry is None and not _creates_a_job(path, method, operation):
            continue
        endpoint = wire.endpoints[path, method]
        if endpoint.body is None or not endpoint.body.fields:
            raise operation.error("expected a request body with fields: it creates a job")
        task_type = _task_type(path, operation) or operation_id
        if entry is None:
            name = naming.unique(naming.attribute(task_type, fallback="plugin"), taken)
            taken.add(name)
            group = naming.kebab(name)
            if group in groups or group in _COMMAND_WORDS:
                group = naming.kebab(naming.unique(f"{name}_job", groups))
            groups.add(group)
            entry = Entry(manifest, name, operation_id, group, "run", "run")
        _, media = next(operation.at("requestBody").follow().at("content").members())
        body = media.at("schema").follow()
        plugins.append(_Reader(spec, wire, entry, operation, endpoint, task_type, body).plugin())
    return tuple(sorted(plugins, key=lambda plugin: plugin.name))


def _creates_a_job(path: str, method: str, operation: Node) -> bool:
    if operation.find("x-task-type") is not None:
        return True
    body = operation.find("requestBody")
    content = body.follow().find("content") if body is not None else None
    is_form = content is not None and content.find("multipart/form-data") is not None
    return method == "post" and is_form and any(pattern.fullmatch(path) for pattern in _TASK_PATHS)


def _task_type(path: str, operation: Node) -> str | None:
    said = operation.find("x-task-type")
    if said is not None:
        return said.text()
    return next((match[1] for pattern in _TASK_PATHS if (match := pattern.fullmatch(path))), None)


@frozen
class _Reader:
    """One operation, on its way to being a plugin."""

    spec: Spec
    wire: Wire
    entry: Entry
    operation: Node
    endpoint: WireEndpoint
    task_type: str
    body: Node

    def plugin(self) -> Plugin:
        entry = self.entry
        output = self._output()
        class_name = naming.pascal(entry.plugin, fallback="Plugin") + "Client"
        constant = entry.method.upper()
        method = naming.unique(entry.method, _CLIENT_CLASS_WORDS)
        every = list(self._parameters())
        priority = next((parameter for parameter in every if parameter.name == "priority"), None)
        parameters = [parameter for parameter in every if parameter is not priority]
        known = {parameter.name for parameter in parameters}
        for key, names in (("flags", tuple(entry.flags)), ("order", entry.order)):
            for name in names:
                if name not in known:
                    raise entry.error(key, f"no parameter is called {name!r}{suggestion(name, known)}", word=name)
        parameters.sort(key=_position(entry))
        summary = self.operation.find("summary")
        description = self.operation.find("description")
        said = summary.text() if summary else entry.plugin.replace("_", " ").capitalize()
        return Plugin(
            name=entry.plugin,
            operation=entry.operation,
            class_name=class_name,
            constant=constant,
            group=entry.group,
            verb=entry.verb,
            method=method,
            task_type=SpecText(self.task_type),
            path=SpecText(self.endpoint.spec_path),
            summary=SpecText(one_line(said).rstrip(".")),
            description=SpecText(description.text() if description else said),
            package=self.wire.package,
            tag=self.endpoint.tag,
            endpoint=self.endpoint.module,
            body=self.endpoint.body.type if self.endpoint.body else "",
            output=self.wire.class_of(output[0]) if output else None,
            output_fields=tuple(_output_fields(output[1])) if output else (),
            artifact=self._artifact(output),
            parameters=tuple(parameters),
            priority=priority,
            keeps_keys=any(header.name == "idempotency_key" for header in self.endpoint.headers),
            example=SpecText((entry.example or "").strip() or _example(entry, parameters)),
        )

    def _output(self) -> tuple[str, Node] | None:
        if self.entry.output is not None:
            found = self.spec.root.at("components").at("schemas").find(self.entry.output)
            if found is None:
                known = [name for name, _ in self.spec.root.at("components").at("schemas").members()]
                raise self.entry.error(
                    "output", f"the spec has no schema {self.entry.output!r}" + suggestion(self.entry.output, known)
                )
            return self.entry.output, found
        said = self.operation.find("x-task-output")
        reference = said.find("$ref") if said is not None else None
        if said is None or reference is None:
            return None
        return reference.text().rpartition("/")[2], said.follow()

    def _artifact(self, output: tuple[str, Node] | None) -> str | None:
        artifact = self.entry.artifact
        if artifact is None or "/" in artifact:
            return artifact
        fields = {name for name, _ in _properties(output[1])} if output else set[str]()
        if artifact not in fields:
            raise self.entry.error("artifact", f"the output has no field {artifact!r}{suggestion(artifact, fields)}")
        return artifact

    def _parameters(self) -> Iterator[Parameter]:
        wire_fields = {field.wire_name: field for field in self.endpoint.body.fields} if self.endpoint.body else {}
        python_names = {wire: python for python, wire in self.entry.names.items()}
        for python, wire in self.entry.names.items():
            if wire not in wire_fields:
                raise self.entry.error("names", f"the form has no {wire!r}{suggestion(wire, wire_fields)}", word=python)
            if python in _CALL_WORDS:
                raise self.entry.error("names", f"every method has a {python!r} of its own", word=python)
        required = self.body.find("required")
        needed = {name.text() for name in required.elements()} if required else set[str]()
        taken = set(_CALL_WORDS | _MODULE_WORDS | set(self.entry.names))
        for wire_name, schema in _properties(self.body):
            if wire_name == "priority":
                name = wire_name
            elif wire_name in python_names:
                name = python_names[wire_name]
            else:
                name = naming.unique(naming.snake(wire_name, fallback="parameter"), taken)
                taken.add(name)
            yield self._parameter(name, wire_fields[wire_name].name, wire_name, schema, wire_name in needed)

    def _parameter(self, name: str, field: str, wire_name: str, schema: Node, required: bool) -> Parameter:
        inner = without_null(schema)
        is_list = kind_of(inner) == "array"
        item = without_null(inner.at("items")) if is_list and inner.find("items") else inner
        is_file = item.find("format") is not None and item.at("format").value == "binary"
        default = schema.find("default")
        return Parameter(
            name=name,
            wire_name=SpecText(wire_name),
            field=field,
            type=python_type(schema),
            required=required,
            is_file=is_file,
            is_list=is_list,
            option=f"--{naming.kebab(name)}",
            flags=self.entry.flags.get(name, ()),
            help=_help(schema) if schema.find("description") else _help(inner),
            bounds=() if is_list else tuple(bounds_of(inner)),
            choices=() if is_list else tuple(choices_of(inner)),
            default=default.value if default else None,
        )


def _position(entry: Entry) -> Callable[[Parameter], tuple[bool, bool, bool, int]]:
    """Where a parameter stands in its method: required ones first, files before others, one before several, then as the
    manifest has it."""
    places = {name: place for place, name in enumerate(entry.order)}

    def position(parameter: Parameter) -> tuple[bool, bool, bool, int]:
        place = places.get(parameter.name, len(places))
        return not parameter.required, not parameter.is_file, parameter.is_file and parameter.is_list, place

    return position


def _properties(schema: Node) -> Iterator[tuple[str, Node]]:
    """The properties of an object, with those of the schemas that it is made of (`allOf`)."""
    parts = schema.find("allOf")
    for part in parts.elements() if parts else ():
        yield from _properties(part.follow())
    properties = schema.find("properties")
    if properties:
        yield from properties.members()


def _output_fields(schema: Node) -> Iterator[OutputField]:
    for name, node in _properties(schema):
        yield OutputField(naming.snake(name), SpecText(name), _help(node))


def _help(schema: Node) -> SpecText:
    description = schema.find("description")
    return SpecText(one_line(description.text()) if description else "")


def _example(entry: Entry, parameters: list[Parameter]) -> str:
    values = ["..." if not parameter.is_file else '"photo.jpg"' for parameter in parameters if parameter.required]
    return f"job = await client.{entry.plugin}.{entry.method}({', '.join([*values, 'wait=True'])})\nprint(job.output)"
