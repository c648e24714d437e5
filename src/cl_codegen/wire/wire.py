"""The wire layer: openapi-python-client, with our templates and nothing patched.

The library parses the spec and renders; we hand it our templates (by its own file names), our filters, and take out of
its result what our templates make needless. The version is exact: its templates and its parser change together.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import cast

from attrs import frozen
from openapi_python_client import Project
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser.errors import GeneratorError, ParseError
from openapi_python_client.parser.openapi import Endpoint, GeneratorData
from openapi_python_client.parser.properties import LiteralEnumProperty, ModelProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.schema.untrusted_string import UntrustedString
from openapi_python_client.strings import ClassName, PythonIdentifier

from cl_codegen.faults import VersionError
from cl_codegen.spec.spec import JSONValue, Spec, SpecError, escape_pointer
from cl_codegen.text import escape
from cl_codegen.text.naming import snake, unique
from cl_codegen.wire import property_code
from cl_codegen.wire.endpoint import WireEndpoint
from cl_codegen.write.jinja_env import extend

VERSION = "0.29.1"

_FIELD_PREFIX = "field_"
_RESERVED_FIELDS = frozenset(
    [
        "additional_properties",
        "cast",
        "cls",
        "data",
        "datetime",
        "field",
        "from_dict",
        "frozen",
        "item",
        "key",
        "self",
        "to_dict",
        "to_files",
        "to_form",
    ]
)
_RESERVED_ARGUMENTS = frozenset(
    ["asyncio", "asyncio_detailed", "body", "client", "errors", "httpx", "response", "sync", "sync_detailed"]
)


@frozen
class Wire:
    """What the wire layer of one spec is called: what the plugin layer has to know of it."""

    package: str
    endpoints: dict[tuple[str, str], WireEndpoint]
    """By path and method, as the spec has them."""
    models: frozenset[str]
    maps: frozenset[str]

    def class_of(self, component: str) -> str | None:
        """The class made from a component schema; none, where a plain `dict` says all of it."""
        name = str(ClassName(component, _FIELD_PREFIX))
        return name if name in self.models else None


def check_version() -> None:
    """Refuse another version of the library, by name, rather than fail inside a template."""
    installed = importlib.metadata.version("openapi-python-client")
    if installed != VERSION:
        raise VersionError(
            f"openapi-python-client {installed} is installed, and the templates are written for {VERSION}: "
            f"pip install openapi-python-client=={VERSION}"
        )


@frozen
class _Parsed:
    """A spec as the library has read it, with what our templates make needless taken out."""

    data: GeneratorData
    config: Config
    endpoints: list[Endpoint]
    described: dict[int, WireEndpoint]
    sent: frozenset[str]
    wire: Wire


def outline(spec: Spec, package: str) -> Wire:
    """What the wire layer of a normalised spec would be called, without writing it.

    Raises:
        SpecError, VersionError: as `generate`.
    """
    return _parse(spec, package, Path()).wire


def generate(spec: Spec, package: str, out: Path, templates: Path) -> Wire:
    """Write the package of a normalised spec into the folder `out`, unformatted.

    Raises:
        SpecError: the library would leave anything out. It only warns then; a client with holes is worse than none.
        VersionError: another version of the library is installed.
    """
    parsed = _parse(spec, package, out)
    project = Project(openapi=parsed.data, config=parsed.config, custom_template_path=templates)
    bodies = [endpoint.body for endpoint in parsed.described.values()]
    forms = frozenset(body.type for body in bodies if body and body.kind == "urlencoded")
    cycles = _cycles(parsed.data.models)
    words = _words_in_order(spec)

    def enum_values(enum: LiteralEnumProperty) -> list[str | int]:
        return words.get(frozenset(enum.values), sorted(enum.values, key=str))

    def siblings(model: ModelProperty) -> list[tuple[str, str, bool]]:
        return _siblings(model, cycles)

    def model_fields(model: ModelProperty) -> list[property_code.Field]:
        return property_code.fields(model, request=model.class_info.name in parsed.sent)

    def wire_endpoint(endpoint: Endpoint) -> WireEndpoint:
        return parsed.described[id(endpoint)]

    extend(
        project.env,
        {
            "docstring": escape.docstring,
            "endpoint": wire_endpoint,
            "enum_values": enum_values,
            "fields": model_fields,
            "literal": escape.literal,
            "plain_text": property_code.text_of,
            "siblings": siblings,
        },
        {"sent": parsed.sent, "forms": forms},
    )
    with contextlib.redirect_stdout(io.StringIO()):
        problems = project.build()
    if problems:
        raise _refusal(spec, problems)
    (out / "py.typed").touch()
    return parsed.wire


def _parse(spec: Spec, package: str, out: Path) -> _Parsed:
    check_version()
    config = Config.from_sources(
        ConfigFile(literal_enums=True, post_hooks=[], field_prefix=_FIELD_PREFIX),
        MetaType.NONE,
        document_source=spec.source,
        file_encoding="utf-8",
        overwrite=True,
        output_path=out,
    )
    data = GeneratorData.from_dict(spec.document, config=config)
    if isinstance(data, GeneratorError):
        raise _refusal(spec, [data])
    _refuse_incomplete(spec, data)

    endpoints = list(_endpoints(data))
    sent = _models_below(body.prop for endpoint in endpoints for body in endpoint.bodies)
    maps = {str(model.class_info.name) for model in data.models if property_code.is_map(model)}
    data.models = sorted(
        (model for model in data.models if model.class_info.name not in maps), key=lambda model: model.class_info.name
    )
    used = _enums_below(data, endpoints)
    data.enums = sorted((enum for enum in data.enums if enum.class_info.name in used), key=lambda e: e.class_info.name)
    for model in data.models:
        _keep_names_apart([*(model.required_properties or []), *(model.optional_properties or [])], _RESERVED_FIELDS)
    for endpoint in endpoints:
        for body in endpoint.bodies:
            # The library has a copy of what is defined in place.
            if isinstance(body.prop, ModelProperty):
                fields = [*(body.prop.required_properties or []), *(body.prop.optional_properties or [])]
                _keep_names_apart(fields, _RESERVED_FIELDS)
        arguments = [parameter for _, parameter in endpoint.iter_all_parameters()]
        for old, new in _keep_names_apart(arguments, _RESERVED_ARGUMENTS).items():
            path = endpoint.path.get_untrusted_value().replace(f"{{{old}}}", f"{{{new}}}")
            endpoint.path = UntrustedString(path)
    described = {id(endpoint): WireEndpoint.of(endpoint) for endpoint in endpoints}
    wire = Wire(
        package,
        {(described[id(e)].spec_path, e.method): described[id(e)] for e in endpoints},
        frozenset(str(model.class_info.name) for model in data.models),
        frozenset(maps),
    )
    return _Parsed(data, config, endpoints, described, sent, wire)


def _endpoints(data: GeneratorData) -> Iterator[Endpoint]:
    for collection in data.endpoint_collections_by_tag.values():
        yield from collection.endpoints


def _refuse_incomplete(spec: Spec, data: GeneratorData) -> None:
    problems: list[GeneratorError] = [*data.errors]
    for collection in data.endpoint_collections_by_tag.values():
        problems += collection.parse_errors
    if problems:
        raise _refusal(spec, problems)
    modules: set[tuple[str, str]] = set()
    for endpoint in _endpoints(data):
        module = (str(endpoint.tags[0]), str(endpoint.name))
        if module in modules:
            raise SpecError(
                spec.source,
                "#/paths",
                f"two operations become the module {'/'.join(module)}.py; change one operationId",
            )
        modules.add(module)


def _refusal(spec: Spec, problems: Iterable[GeneratorError]) -> SpecError:
    """The library's complaints as one error, with the place where it can be found from what it says."""
    said: list[str] = []
    place = "#"
    for problem in problems:
        text = re.sub(r"<[\w.]*UntrustedString object at \w+>", "(a name)", f"{problem.header} {problem.detail or ''}")
        said.append(" ".join(text.split()))
        data = problem.data if isinstance(problem, ParseError) else None
        if data is not None and place == "#":
            fragment = cast("JSONValue", data.model_dump(mode="json", by_alias=True, exclude_unset=True))
            place = _pointer_to(fragment, spec) or place
    return SpecError(spec.source, place, "cannot be generated without loss: " + "; ".join(said))


def _pointer_to(fragment: JSONValue, spec: Spec) -> str | None:
    def search(value: JSONValue, pointer: str) -> str | None:
        if value == fragment:
            return pointer
        if isinstance(value, dict):
            for key, child in value.items():
                if found := search(child, f"{pointer}/{escape_pointer(key)}"):
                    return found
        elif isinstance(value, list):
            for index, child in enumerate(value):
                if found := search(child, f"{pointer}/{index}"):
                    return found
        return None

    return search(spec.document, "#")


def _models_below(roots: Iterable[PropertyProtocol]) -> frozenset[str]:
    """The names of all models that are reached from some properties."""
    names: set[str] = set()
    waiting = list(roots)
    while waiting:
        for leaf in property_code.leaves(waiting.pop()):
            if isinstance(leaf, ModelProperty) and leaf.class_info.name not in names:
                names.add(leaf.class_info.name)
                waiting += [*(leaf.required_properties or []), *(leaf.optional_properties or [])]
    return frozenset(names)


def _enums_below(data: GeneratorData, endpoints: list[Endpoint]) -> frozenset[str]:
    """The enums that something is typed with; the parser also keeps those of schemas that it has merged away."""
    properties: list[PropertyProtocol] = []
    for model in data.models:
        properties += [*(model.required_properties or []), *(model.optional_properties or [])]
    for endpoint in endpoints:
        properties += [parameter for _, parameter in endpoint.iter_all_parameters()]
        properties += [response.prop for response in endpoint.responses]
        properties += [body.prop for body in endpoint.bodies]
    return frozenset(
        leaf.class_info.name
        for property in properties
        for leaf in property_code.leaves(property)
        if isinstance(leaf, LiteralEnumProperty)
    )


def _keep_names_apart(properties: Sequence[PropertyProtocol], reserved: frozenset[str]) -> dict[str, str]:
    """Rename what would shadow a method or an import of the generated module, and what Python reads as another name
    (PEP 3131: NFKC). Gives the new names by the old ones."""
    taken = {str(property.python_name) for property in properties} | reserved
    renamed: dict[str, str] = {}
    for property in properties:
        old = str(property.python_name)
        if old in reserved or not old.isascii():
            new = unique(f"{old}_" if old.isascii() else snake(old, fallback="field"), taken)
            taken.add(new)
            # The classes of the library are frozen in part; a name is all that changes.
            object.__setattr__(property, "python_name", PythonIdentifier(new, _FIELD_PREFIX, skip_snake_case=True))
            renamed[old] = new
    return renamed


def _references(model: ModelProperty) -> list[ModelProperty | LiteralEnumProperty]:
    found: dict[str, ModelProperty | LiteralEnumProperty] = {}
    properties: list[PropertyProtocol] = [*(model.required_properties or []), *(model.optional_properties or [])]
    for property in properties:
        for leaf in property_code.leaves(property):
            is_class = isinstance(leaf, LiteralEnumProperty) or (
                isinstance(leaf, ModelProperty) and not property_code.is_map(leaf)
            )
            if is_class and isinstance(leaf, LiteralEnumProperty | ModelProperty):
                found.setdefault(leaf.class_info.name, leaf)
    found.pop(model.class_info.name, None)
    return [found[name] for name in sorted(found)]


def _cycles(models: list[ModelProperty]) -> frozenset[tuple[str, str]]:
    """The pairs (model, model that it refers to) which lead back to where they began: these import each other late."""
    edges = {
        str(model.class_info.name): {str(other.class_info.name) for other in _references(model)} for model in models
    }

    def reaches(start: str, goal: str) -> bool:
        seen, waiting = set[str](), [start]
        while waiting:
            name = waiting.pop()
            if name == goal:
                return True
            if name not in seen:
                seen.add(name)
                waiting += edges.get(name, ())
        return False

    return frozenset((name, other) for name, others in edges.items() for other in others if reaches(other, name))


def _siblings(model: ModelProperty, cycles: frozenset[tuple[str, str]]) -> list[tuple[str, str, bool]]:
    """(module, class, whether it has to be imported late) for each model and enum that a model refers to."""
    name = str(model.class_info.name)
    return [
        (str(other.class_info.module_name), str(other.class_info.name), (name, str(other.class_info.name)) in cycles)
        for other in _references(model)
    ]


def _words_in_order(spec: Spec) -> dict[frozenset[str | int], list[str | int]]:
    """The words of each enum in the order of the spec; the library keeps a set of them."""
    found: dict[frozenset[str | int], list[str | int]] = {}

    def search(value: JSONValue) -> None:
        if isinstance(value, dict):
            listed = value.get("enum")
            if isinstance(listed, list):
                words = [word for word in listed if isinstance(word, str | int)]
                found.setdefault(frozenset(words), list(dict.fromkeys(words)))
            for child in value.values():
                search(child)
        elif isinstance(value, list):
            for child in value:
                search(child)

    search(spec.document)
    return found
