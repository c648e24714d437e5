"""How a name, a type, a bound or a default of the generated client came to be."""

from __future__ import annotations

from collections.abc import Iterator

from cl_codegen.manifest.manifest import Entry, suggestion
from cl_codegen.model.command import Command
from cl_codegen.model.plugin import Parameter, Plugin
from cl_codegen.model.read import Reading
from cl_codegen.spec.spec import Node, SpecError, escape_pointer
from cl_codegen.text import naming
from cl_codegen.text.escape import visible


def explain(reading: Reading, wanted: str) -> str:
    """The story of an operation, by its id (as the server or as we say it), or by the name of its plugin.

    Raises:
        SpecError: there is no such operation.
    """
    named = {plugin.name: plugin.operation for plugin in reading.plugins}
    known: set[str] = set(named)
    for path, method, operation in reading.spec.operations():
        name = operation.at("operationId").text()
        said = _said_name(reading, path, method)
        known.add(name)
        if wanted in {name, said} or named.get(wanted) == name:
            # It quotes the spec, and is shown in a terminal.
            lines = _Story(reading, path, method, operation).lines()
            return "\n".join(visible(line).replace("\n", " ") for line in lines)
    raise SpecError(reading.raw.source, "#/paths", f"no operation is called {wanted!r}{suggestion(wanted, known)}")


def _said_name(reading: Reading, path: str, method: str) -> str | None:
    operation = reading.raw.root.at("paths").at(path).at(method).find("operationId")
    return operation.text() if operation else None


class _Story:
    """One operation, being told."""

    def __init__(self, reading: Reading, path: str, method: str, operation: Node) -> None:
        self._reading = reading
        self._path, self._method, self._operation = path, method, operation
        self._name = operation.at("operationId").text()
        self._plugin = next((plugin for plugin in reading.plugins if plugin.operation == self._name), None)
        self._entry = next((entry for entry in reading.manifest.entries if entry.operation == self._name), None)

    def lines(self) -> Iterator[str]:
        yield f"{self._name}: {self._method.upper()} {self._path}"
        said = _said_name(self._reading, self._path, self._method)
        if said != self._name:
            yield f"  operation id   {said or 'none'} in the spec; rule operation_ids_are_names"
        endpoint = self._reading.wire.endpoints[self._path, self._method]
        module = f"{self._reading.wire.package}.api.{endpoint.tag}.{endpoint.module}"
        yield f"  wire           {module}; tag and operation id"
        if self._plugin is None:
            yield "  plugin         none: no rule of cl_codegen.model.recognise takes it for a job, and it has no"
            yield "                 x-task-type; a table of plugins.toml with this operation makes it one"
            for argument in (*endpoint.path_arguments, *endpoint.keyword_arguments):
                needed = "required" if argument.required else "optional"
                yield f"  argument       {argument.name}: {argument.type}, {needed}; {argument.wire_name!r} in the spec"
            yield f"  returns        {endpoint.returns}; the documented answers of the status 2xx"
        else:
            yield from self._plugin_lines(self._plugin)
        yield from self._rules()

    def _plugin_lines(self, plugin: Plugin) -> Iterator[str]:
        yield f"  plugin         {plugin.layout.client}.{plugin.name}; {self._why_plugin()}"
        yield f"  method         {plugin.method}; {self._said('method') or self._said('verb') or 'derived'}"
        word = self._said("group") or self._said("verb") or "derived"
        yield f"  command        {plugin.layout.program} {plugin.group} {plugin.verb}; {word}"
        yield f"  task type      {plugin.task_type.raw}; {self._why_task_type()}"
        yield f"  output         {plugin.output or 'JSONObject'}; {self._why_output()}"
        if plugin.artifact:
            yield f"  artifact       {plugin.artifact}; {self._said('artifact')}"
        command = Command.of(plugin)
        names = {option.parameter: ", ".join(option.names) for option in command.options}
        for parameter in (*plugin.parameters, *([plugin.priority] if plugin.priority else [])):
            said = names.get(parameter.name, "--priority" if parameter is plugin.priority else "")
            yield from self._parameter(parameter, said)

    def _why_plugin(self) -> str:
        if self._entry is not None:
            return f"{self._where(self._entry)} [{self._entry.plugin}]"
        return "no table in the manifest; named by its task type"

    def _why_task_type(self) -> str:
        if self._operation.find("x-task-type") is not None:
            return "x-task-type of the spec"
        return "the operation id" if self._plugin and self._plugin.task_type == self._name else "the path"

    def _why_output(self) -> str:
        if said := self._said("output"):
            return said
        return "x-task-output of the spec" if self._operation.find("x-task-output") else "the spec names none"

    def _said(self, key: str, word: str = "") -> str:
        """The place of the manifest that says a key of this plugin's table; nothing where it does not."""
        entry = self._entry
        return f"{self._where(entry, key, word)} {key}" if entry is not None and key in entry.keys else ""

    def _where(self, entry: Entry, key: str = "", word: str = "") -> str:
        return f"{self._reading.manifest.source.name} line {self._reading.manifest.line(entry.plugin, key, word)}"

    def _parameter(self, parameter: Parameter, options: str) -> Iterator[str]:
        wire_name = parameter.wire_name.raw
        yield f"  {parameter.name}"
        yield f"    name         {self._why_name(parameter, wire_name)}"
        place = _place(self._schema(wire_name))
        needed = "required" if parameter.required else "optional: sent only when it is given"
        yield f"    type         {parameter.type}, {needed}; {place}"
        flags = f"; {self._said('flags', parameter.name)}" if parameter.flags else ""
        yield f"    command line {options or 'positional: the file that the job is about'}{flags}"
        if parameter.choices:
            yield f"    one of       {', '.join(map(str, parameter.choices))}; enum, checked before the upload"
        for bound, value in parameter.bounds:
            yield f"    bound        {bound} {value}; checked before the upload"
        if parameter.default is not None:
            yield f"    default      {parameter.default}; the server's: shown, never sent"

    def _why_name(self, parameter: Parameter, wire_name: str) -> str:
        if self._entry is not None and parameter.name in self._entry.names:
            return f"{wire_name!r} on the wire; {self._said('names', parameter.name)}"
        if parameter.name == wire_name:
            return "as on the wire"
        if parameter.name == naming.snake(wire_name, fallback="parameter"):
            return f"{wire_name!r} on the wire; as Python writes it"
        return f"{wire_name!r} on the wire; another name, because every method or module has this one already"

    def _schema(self, wire_name: str) -> Node | None:
        body = self._operation.find("requestBody")
        if body is None:
            return None
        _, media = next(body.follow().at("content").members())
        return _property(media.at("schema").follow(), wire_name)

    def _rules(self) -> Iterator[str]:
        roots = [f"#/paths/{escape_pointer(self._path)}/{self._method}"]
        body = self._operation.find("requestBody")
        if body is not None:
            roots += [node.follow().pointer for _, node in body.follow().at("content").members()]
            roots += [media.at("schema").follow().pointer for _, media in body.follow().at("content").members()]
        for applied in self._reading.applied:
            for pointer in applied.pointers:
                if any(pointer == root or pointer.startswith(f"{root}/") for root in roots):
                    yield f"  rule           {applied.rule}: {pointer}"


def _place(schema: Node | None) -> str:
    return schema.pointer if schema else "the spec"


def _property(schema: Node, name: str) -> Node | None:
    """A property of an object, or of one of the schemas that it is made of."""
    properties = schema.find("properties")
    found = properties.find(name) if properties else None
    parts = schema.find("allOf")
    for part in parts.elements() if parts and found is None else ():
        found = found or _property(part.follow(), name)
    return found
