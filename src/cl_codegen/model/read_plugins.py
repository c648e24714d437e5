"""The plugins of a server, read from its spec and the manifest: what the templates of the plugin layer are given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from attrs import evolve, frozen

from cl_codegen.manifest.manifest import Entry, Manifest, suggestion
from cl_codegen.manifest.view import VIEWS, View
from cl_codegen.model.job_operations import job_operations
from cl_codegen.model.plugin import OutputField, Parameter, Plugin
from cl_codegen.model.recognise import recognise
from cl_codegen.model.reserved import CALL_WORDS, CLIENT_CLASS_WORDS, CLIENT_WORDS, COMMAND_WORDS, MODULE_WORDS
from cl_codegen.model.task import creates_a_job, task_type_of
from cl_codegen.model.uploads import StoredFirst, as_file, stored_of, uploads_of
from cl_codegen.spec.schema_types import (
    bounds_of,
    choices_of,
    kind_of,
    properties,
    python_type,
    required_of,
    without_null,
)
from cl_codegen.spec.spec import Node, Spec
from cl_codegen.text import naming
from cl_codegen.text.escape import SpecText, one_line
from cl_codegen.text.layout import OURS, Layout
from cl_codegen.wire.endpoint import Argument, WireEndpoint
from cl_codegen.wire.operations import chosen_media
from cl_codegen.wire.wire import Wire


def read_plugins(spec: Spec, manifest: Manifest, wire: Wire, layout: Layout = OURS) -> tuple[Plugin, ...]:
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
        if entry.plugin in CLIENT_WORDS:
            raise entry.error("table", f"the client has a {entry.plugin!r} of its own")
        if entry.group in groups or entry.group in COMMAND_WORDS:
            raise entry.error("group", f"the command line has a {entry.group!r} already")
        groups.add(entry.group)
        entries[entry.operation] = entry
    says_itself = any(operation.find("x-task-type") is not None for _, _, operation in operations.values())
    known = (
        frozenset[str]() if says_itself else frozenset(one.posted.operation for one in recognise(job_operations(spec)))
    )
    taken = {entry.plugin for entry in entries.values()} | CLIENT_WORDS
    uploads = tuple(one for one in uploads_of(operations) if one.operation not in known | entries.keys())
    plugins: list[Plugin] = []
    for operation_id, (path, method, operation) in operations.items():
        entry = entries.get(operation_id)
        if entry is None and operation_id not in known and not creates_a_job(path, method, operation):
            continue
        endpoint = wire.endpoints.get((path, method))
        if endpoint is None:
            if entry is None:
                continue
            raise entry.error("operation", "it cannot be generated; `cl-codegen generate` without this table says why")
        has_no_fields = endpoint.body is not None and not endpoint.body.fields
        if entry is None and has_no_fields and not creates_a_job(path, method, operation):
            continue  # It stays an operation, which takes any body.
        if has_no_fields:
            raise operation.at("requestBody").error(
                "expected a body with fields, which become the parameters of a method: it creates a job. Where it does"
                " not, give it another path, or no x-task-type"
            )
        task_type = task_type_of(path, operation) or operation_id
        if entry is None:
            name = naming.unique(naming.attribute(task_type, fallback="plugin"), taken)
            taken.add(name)
            group = naming.kebab(name)
            if group in groups or group in COMMAND_WORDS:
                group = naming.kebab(naming.unique(f"{name}_job", groups))
            groups.add(group)
            entry = Entry(manifest, name, operation_id, group, "run", "run")
        names = evolve(layout, wire=wire.package)
        plugins.append(_Reader(spec, wire, names, entry, path, operation, endpoint, task_type, uploads).plugin())
    return tuple(sorted(plugins, key=lambda plugin: plugin.name))


@frozen
class _Sent:
    """What a submit sends, in its body or its route: `name` and what follows as of the wire layer."""

    wire_name: str
    name: str
    place: str
    required: bool
    schema: Node
    around: Node | None
    """What holds the description, where that is not the schema."""
    type: str
    read: str | None
    classes: tuple[tuple[str, str], ...]


LABEL: Final[str] = "label"
"""The query parameter for the labels of a job, each as `name=value`."""


def _is_key(header: Argument) -> bool:
    return header.wire_name.lower() == "idempotency-key"


@frozen
class _Reader:
    """One operation, on its way to being a plugin."""

    spec: Spec
    wire: Wire
    layout: Layout
    entry: Entry
    path: str
    operation: Node
    endpoint: WireEndpoint
    task_type: str
    uploads: tuple[StoredFirst, ...]

    def plugin(self) -> Plugin:
        entry = self.entry
        output = self._output()
        class_name = naming.pascal(entry.plugin, fallback="Plugin") + "Client"
        constant = entry.method.upper()
        method = naming.unique(entry.method, CLIENT_CLASS_WORDS)
        every = list(self._parameters())
        priority = next((parameter for parameter in every if parameter.name == "priority"), None)
        parameters = [parameter for parameter in every if parameter is not priority]
        known = {parameter.name for parameter in parameters}
        for key, names in (
            ("flags", tuple(entry.flags)),
            ("order", entry.order),
            ("uploads", tuple(entry.uploads)),
        ):
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
            layout=self.layout,
            tag=self.endpoint.tag,
            endpoint=self.endpoint.module,
            media=self.endpoint.body.kind if self.endpoint.body else "none",
            body=self.endpoint.body.type if self.endpoint.body else None,
            output=self.wire.class_of(output[0]) if output else None,
            output_fields=tuple(_output_fields(output[1])) if output else (),
            artifact=self._artifact(output),
            view=self._view(output),
            parameters=tuple(parameters),
            priority=priority,
            keeps_keys=self.endpoint.body is not None and any(map(_is_key, self.endpoint.headers)),
            labels=self._has_labels,
            example=SpecText((entry.example or "").strip() or _example(entry, parameters, self.layout.client)),
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
        if artifact is None or "/" in artifact or artifact.startswith("params."):
            return artifact
        # The fields of an output that may be anything are unknown.
        fields = {name for name, _ in properties(output[1])} if output else {artifact}
        if artifact not in fields:
            raise self.entry.error("artifact", f"the output has no field {artifact!r}{suggestion(artifact, fields)}")
        return artifact

    def _view(self, output: tuple[str, Node] | None) -> View | None:
        if self.entry.view is None:
            return None
        view = VIEWS[self.entry.view]
        fields = {name for name, _ in properties(output[1])} if output else set[str]()
        for name in view.fields:
            if name not in fields:
                raise self.entry.error("view", f"{self.entry.view!r} is for outputs with a field {name!r}")
        if view.needs_artifact and self.entry.artifact is None:
            raise self.entry.error("view", f"{self.entry.view!r} shows the artifact: say which one, with artifact")
        return view

    def _parameters(self) -> Iterator[Parameter]:
        sent = [*self._in_body(), *self._in_route()]
        known = {one.wire_name for one in sent}
        python_names = {wire: python for python, wire in self.entry.names.items()}
        words = set(MODULE_WORDS)
        if any(one.place != "body" for one in sent):
            # The method calls it then, and not the module above.
            words.add(self.endpoint.module)
        for python, wire in self.entry.names.items():
            if wire not in known:
                raise self.entry.error("names", f"the form has no {wire!r}{suggestion(wire, known)}", word=python)
            if python in CALL_WORDS or (python == "labels" and self._has_labels):
                raise self.entry.error("names", f"every method has a {python!r} of its own", word=python)
            if python in words:
                raise self.entry.error("names", f"the generated module has a {python!r} of its own", word=python)
        taken = {*CALL_WORDS, *words, *self.entry.names, *(["labels"] if self._has_labels else [])}
        for one in sent:
            if one.wire_name == "priority" and one.place == "body":
                name = one.wire_name
            elif one.wire_name in python_names:
                # The body and the route may have one of the same name: the first gets what the manifest says.
                name = python_names.pop(one.wire_name)
            else:
                name = naming.unique(naming.snake(one.wire_name, fallback="parameter"), taken)
                taken.add(name)
            yield self._parameter(name, one)

    def _in_body(self) -> Iterator[_Sent]:
        if self.endpoint.body is None:
            return
        chosen = chosen_media(self.operation.at("requestBody").follow().at("content"))
        if chosen is None:
            return
        body = chosen[1].at("schema").follow()
        needed, fields = required_of(body), {field.wire_name: field for field in self.endpoint.body.fields}
        for wire_name, schema in properties(body):
            field = fields.get(wire_name)
            if field is None or field.encoded is None:
                continue  # Only the server says it.
            required = wire_name in needed and field.default == ""
            yield _Sent(
                wire_name, field.name, "body", required, schema, None, field.value_type, field.read, field.classes
            )

    @property
    def _route(self) -> dict[tuple[str, str], Node]:
        """The parameters of the route, by place and name."""
        item = self.spec.root.at("paths").at(self.path)
        return {
            (parameter.at("in").text(), parameter.at("name").text()): parameter
            for holder in (item, self.operation)
            if (listed := holder.find("parameters")) is not None
            for parameter in map(Node.follow, listed.elements())
        }

    @property
    def _has_labels(self) -> bool:
        """Whether a job can have labels: its route says so, and its form has a priority, which they go with."""
        label = self._route.get(("query", LABEL))
        has_priority = self.endpoint.body is not None and any(
            field.wire_name == "priority" for field in self.endpoint.body.fields
        )
        return has_priority and label is not None and label.at("schema").value_of("x-job-labels") is True

    def _in_route(self) -> Iterator[_Sent]:
        """What is in the path, the query, the headers and cookies, but for the key of a submit and its labels."""
        found = self._route
        places = {
            "path": self.endpoint.path_arguments,
            "query": self.endpoint.query,
            "header": self.endpoint.headers,
            "cookie": self.endpoint.cookies,
        }
        for place, arguments in places.items():
            for one in arguments:
                if place == "header" and _is_key(one):
                    continue
                if place == "query" and one.wire_name == LABEL and self._has_labels:
                    continue
                parameter = found[place, one.wire_name]
                where = "path" if place == "path" else "named"
                schema = parameter.at("schema")
                yield _Sent(
                    one.wire_name, one.name, where, one.required, schema, parameter, one.type, one.read, one.classes
                )

    def _parameter(self, name: str, sent: _Sent) -> Parameter:
        schema = sent.schema
        inner = without_null(schema)
        is_list = kind_of(inner) == "array"
        item = without_null(inner.at("items")) if is_list and inner.find("items") else inner
        is_file = item.find("format") is not None and item.at("format").value == "binary"
        default = schema.find("default")
        said = python_type(schema)
        if sent.place == "path":
            said = said.removesuffix(" | None")  # Nothing would be another path.
        # The words of an enum are closed here, but those of a list are typed as the wire layer has them.
        is_part = "File" in sent.type.split(" | ") and "FileInput" in said and not is_file
        is_vague = "JSON" in said and sent.type != said
        as_wire = sent.read is not None or (is_list and "Literal[" in said) or is_part or is_vague
        described = next((one for one in (sent.around, schema) if one and one.find("description")), inner)
        parameter = Parameter(
            name=name,
            wire_name=SpecText(sent.wire_name),
            field=sent.name,
            type=sent.type if as_wire else said,
            said="str" if is_part else said,
            required=sent.required,
            is_file=is_file,
            is_list=is_list,
            option=f"--{naming.kebab(name)}",
            flags=self.entry.flags.get(name, ()),
            help=_help(described),
            bounds=() if is_list else tuple(bounds_of(inner)),
            choices=() if is_list else tuple(choices_of(inner)),
            default=default.value if default else None,
            read=sent.read,
            classes=sent.classes if as_wire else (),
            place=sent.place,
        )
        is_in_json = self.endpoint.body is not None and self.endpoint.body.kind == "json" and sent.place == "body"
        may_be_id = is_in_json and kind_of(item) == "string" and not parameter.choices
        stored = stored_of(self.uploads, self.entry, name, sent.wire_name, may_be_id=may_be_id)
        return parameter if stored is None else as_file(parameter, stored)


def _position(entry: Entry) -> Callable[[Parameter], tuple[bool, bool, bool, int]]:
    """Where a parameter stands in its method: required ones first, files before others, one before several, then as the
    manifest has it."""
    places = {name: place for place, name in enumerate(entry.order)}

    def position(parameter: Parameter) -> tuple[bool, bool, bool, int]:
        place = places.get(parameter.name, len(places))
        return not parameter.required, not parameter.is_file, parameter.is_file and parameter.is_list, place

    return position


def _output_fields(schema: Node) -> Iterator[OutputField]:
    for name, node in properties(schema):
        yield OutputField(naming.snake(name), SpecText(name), _help(node))


def _help(schema: Node) -> SpecText:
    description = schema.find("description")
    return SpecText(one_line(description.text()) if description else "")


def _example(entry: Entry, parameters: list[Parameter], client: str) -> str:
    values = ["..." if not parameter.is_file else '"photo.jpg"' for parameter in parameters if parameter.required]
    return f"job = await {client}.{entry.plugin}.{entry.method}({', '.join([*values, 'wait=True'])})\nprint(job.output)"
