"""One plugin of a server, as the templates of the plugin layer are given it."""

from __future__ import annotations

import re

from attrs import frozen

from cl_codegen.manifest.view import View
from cl_codegen.model.job_answer import same
from cl_codegen.spec.spec import JSONValue
from cl_codegen.text.escape import SpecText, literal
from cl_codegen.text.layout import Layout


@frozen
class StoredFirst:
    """A way to store a file, as the `UploadRoute` of a generated package has it.

    Attributes:
        operation: its id.
        values: the fields of the answer that may stand for the file, with what a parameter that takes it is called,
            without spelling.
    """

    operation: str
    path: SpecText
    url: SpecText
    values: tuple[tuple[SpecText, frozenset[str]], ...]
    headers: SpecText | None = None
    name: SpecText | None = None
    media_type: SpecText | None = None
    size: SpecText | None = None

    def value_for(self, parameter: str) -> SpecText | None:
        """The field of the answer that a parameter takes, by its name."""
        said = same(parameter)
        return next((field for field, names in self.values if said in names), None)


@frozen
class Stored:
    """That a parameter of a job is a file, which is stored first."""

    route: StoredFirst
    value: SpecText


@frozen
class Parameter:
    """One parameter of a plugin: a form field, and how people say it.

    Attributes:
        name: in Python.
        wire_name: in the request.
        field: of the body's model, or the argument of the endpoint.
        type: in Python, without Unset; said: the same as the command line takes it.
        read: an expression that makes the type of a JSON `value`, where that is more than to believe it.
        classes: (module, class) of the models that the type mentions.
        option: on the command line (`--output-format`); a positional argument has none.
        flags: other spellings of the option, from the manifest.
        help: the description of the spec, on one line.
        bounds: by the names that `cl_client.runtime.plugin.Parameter` has for them.
        choices: the words of an enum.
        default: what the server takes where nothing is sent; to be shown, never to be sent.
        stored: where it is a file that is stored first, how.
        place: where a request has it: `body`, `path`, or `named` for what the endpoint takes by name (query, headers).
    """

    name: str
    wire_name: SpecText
    field: str
    type: str
    said: str
    required: bool
    is_file: bool
    is_list: bool
    option: str
    flags: tuple[str, ...]
    help: SpecText
    bounds: tuple[tuple[str, int | float | str], ...] = ()
    choices: tuple[str | int | float, ...] = ()
    default: JSONValue = None
    read: str | None = None
    classes: tuple[tuple[str, str], ...] = ()
    place: str = "body"
    stored: Stored | None = None

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
        layout: what the packages are called that it is written to.
        endpoint: its module there, with the tag (`jobs.create_hash_job`).
        media: of the body: `form` (multipart), `urlencoded` or `json`.
        body: the model of the body (None: there is no body); output: the model of the output (None: any object).
        artifact: see `manifest.Entry`.
        view: how the command line shows the output, where not as it comes.
        files: the parameters that are files; parameters: all, required ones first.
        priority: the parameter of that name, where the form has one.
        keeps_keys: whether a submit may carry an `Idempotency-Key`.
        labels: whether a submit may carry the labels of the job.
        within: expressions of what stands before the ids of its jobs (see `job_routes`).
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
    layout: Layout
    tag: str
    endpoint: str
    media: str
    body: str | None
    output: str | None
    output_fields: tuple[OutputField, ...]
    artifact: str | None
    view: View | None
    parameters: tuple[Parameter, ...]
    priority: Parameter | None
    keeps_keys: bool
    labels: bool
    example: SpecText
    within: tuple[str, ...] = ()

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
    def outside(self) -> tuple[Parameter, ...]:
        """The parameters of its route: path, query and headers."""
        return tuple(parameter for parameter in self.parameters if parameter.place != "body")

    @property
    def send(self) -> str:
        """The expression that sends a job: the endpoint, with the parameters of its route bound."""
        bound = [one.name if one.place == "path" else f"{one.field}={one.name}" for one in self._bound()]
        endpoint = f"{self.endpoint}.asyncio"
        if bound:
            endpoint = f"partial({endpoint}, {', '.join(bound)})"
        if self.body is None:
            endpoint = f"without_body({endpoint})"
        return endpoint if self.keeps_keys else f"without_key({endpoint})"

    def _bound(self) -> list[Parameter]:
        places = {found[1]: place for place, found in enumerate(re.finditer(r"\{([^{}]*)\}", self.path.raw))}
        return sorted(
            self.outside,
            key=lambda one: places.get(one.wire_name.raw, len(places)) if one.place == "path" else len(places),
        )

    @property
    def classes(self) -> tuple[str, ...]:
        """The models that its module mentions."""
        named = {name for parameter in self.parameters for _, name in parameter.classes}
        return tuple(sorted(named | {name for name in (self.body, self.output) if name is not None}))

    @property
    def checked(self) -> tuple[Parameter, ...]:
        """Everything whose value can be held against a bound before the upload, the priority included."""
        every = [*self.options, *([self.priority] if self.priority else [])]
        return tuple(parameter for parameter in every if parameter.is_checked)
