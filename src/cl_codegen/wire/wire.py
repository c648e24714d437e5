"""The wire layer: models and endpoints, from the schemas and operations of a normalised spec."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from attrs import evolve, frozen

from cl_codegen.spec.spec import Spec
from cl_codegen.wire import model_field
from cl_codegen.wire.endpoint import WireEndpoint
from cl_codegen.wire.operations import Operations
from cl_codegen.wire.schemas import LeftOut
from cl_codegen.wire.typed_operation import Operation
from cl_codegen.wire.types import Model, Type, Words, leaves
from cl_codegen.wire.webhooks import Webhook, read_webhooks
from cl_codegen.write import output
from cl_codegen.write.jinja_env import environment, render_template

_ALWAYS: Final = ("client.py", "errors.py", "types.py")


@frozen
class Wire:
    """What the wire layer of one spec is called: what the plugin layer has to know of it.

    Attributes:
        package: of the wire layer.
        operations: all that can be called, in the order of the spec.
        endpoints: by path and method, as the spec has them.
        models, words: the classes, by name.
        components: the class of each component schema that has one.
        webhooks: what the server sends by itself.
        left_out: what is not in it, and why.
    """

    package: str
    operations: tuple[Operation, ...]
    endpoints: dict[tuple[str, str], WireEndpoint]
    models: tuple[Model, ...]
    words: tuple[Words, ...]
    components: dict[str, str]
    left_out: tuple[LeftOut, ...]
    webhooks: tuple[Webhook, ...] = ()

    def class_of(self, component: str) -> str | None:
        """The class made from a component schema; none, where a plain `dict` says all of it."""
        return self.components.get(component)

    def handing_on(self, modules: Collection[str]) -> Wire:
        """The same, where what stands on some of its endpoints (`tag.module`) reads their answers by itself."""
        endpoints = {
            key: evolve(one, hands_on=True) if f"{one.tag}.{one.module}" in modules else one
            for key, one in self.endpoints.items()
        }
        return evolve(self, endpoints=endpoints)


def outline(spec: Spec, package: str) -> Wire:
    """What the wire layer of a normalised spec is called, without writing it."""
    reader = Operations.of(spec)
    operations = reader.read()
    webhooks = tuple(read_webhooks(reader))
    reader.schemas.all_components(but=reader.forms)
    models, words = reader.schemas.finish()
    endpoints = {(one.path, one.method): WireEndpoint.of(one) for one in operations}
    return Wire(
        package,
        tuple(operations),
        endpoints,
        tuple(sorted(models, key=lambda model: model.name)),
        tuple(sorted(_used(words, models, operations, webhooks), key=lambda enum: enum.name)),
        reader.schemas.class_names(),
        (*reader.left_out, *reader.schemas.left_out),
        webhooks,
    )


def generate(spec: Spec, package: str, out: Path, templates: Path) -> Wire:
    """Write the package of a normalised spec into the folder `out`, unformatted."""
    wire = outline(spec, package)
    output.write_files(out, files(wire, templates))
    return wire


def files(wire: Wire, templates: Path) -> dict[str, str]:
    """The modules of the wire layer, by their path below the package, unformatted."""
    env = environment(templates)
    sent, forms, read = uses(wire)
    cycles = _cycles(wire.models)
    made = {name: render_template(env, f"{name}.jinja") for name in _ALWAYS}
    made["__init__.py"] = render_template(env, "package_init.py.jinja")
    made["py.typed"] = ""
    made["api/__init__.py"] = render_template(env, "api_init.py.jinja")
    classes = [(one.module, one.name) for one in (*wire.models, *wire.words)]
    made["models/__init__.py"] = render_template(env, "models_init.py.jinja", classes=sorted(classes))
    model_template, enum_template = env.get_template("model.py.jinja"), env.get_template("literal_enum.py.jinja")
    for model in wire.models:
        fields = model_field.fields(model, request=model in sent, response=model in read)
        made[f"models/{model.module}.py"] = model_template.render(
            model=model,
            fields=fields,
            renamed=[(one.name, one.wire_name) for one in fields if one.name != one.wire_name],
            siblings=_siblings(model, cycles),
            is_urlencoded=model in forms,
        )
    for enum in wire.words:
        made[f"models/{enum.module}.py"] = enum_template.render(enum=enum)
    if wire.webhooks:
        used = sorted({found for webhook in wire.webhooks for found in webhook.classes})
        made["webhooks.py"] = render_template(env, "webhooks.py.jinja", webhooks=wire.webhooks, classes=used)
    endpoint_template = env.get_template("endpoint_module.py.jinja")
    for endpoint in wire.endpoints.values():
        made.setdefault(f"api/{endpoint.tag}/__init__.py", render_template(env, "endpoint_init.py.jinja"))
        made[f"api/{endpoint.tag}/{endpoint.module}.py"] = endpoint_template.render(e=endpoint)
    return made


def uses(wire: Wire) -> tuple[set[Model], set[Model], set[Model]]:
    """The models that are sent, those that are sent urlencoded, and those that are read."""
    bodies = [operation.body for operation in wire.operations if operation.body is not None]
    parameters = [parameter.type for operation in wire.operations for parameter in operation.parameters]
    replies = [type for operation in wire.operations for reply in operation.replies for type in reply.types]
    forms = {body.type for body in bodies if body.kind == "urlencoded" and isinstance(body.type, Model)}
    sent = _models_below([*(body.type for body in bodies), *parameters])
    read = _models_below([*replies, *(webhook.type for webhook in wire.webhooks)])
    # What nothing mentions may be read by people: events, webhooks.
    return sent, forms, read | (set(wire.models) - sent)


def _models_below(roots: list[Type]) -> set[Model]:
    """All models that are reached from some types."""
    found: set[Model] = set()
    waiting = list(roots)
    while waiting:
        for leaf in leaves(waiting.pop()):
            if isinstance(leaf, Model) and leaf not in found:
                found.add(leaf)
                waiting += [one.type for one in leaf.properties]
    return found


def _used(
    words: list[Words], models: list[Model], operations: list[Operation], webhooks: tuple[Webhook, ...]
) -> Iterator[Words]:
    """The enums that something is typed with."""
    types: list[Type] = [one.type for model in models for one in model.properties]
    types += [one.type for one in webhooks]
    for operation in operations:
        types += [one.type for one in operation.parameters]
        types += [type for one in operation.replies for type in one.types]
        types += [operation.body.type] if operation.body else []
    used = {leaf.name for type in types for leaf in leaves(type) if isinstance(leaf, Words)}
    return (enum for enum in words if enum.name in used)


def _references(model: Model) -> dict[str, Model | Words]:
    """The classes that a model refers to, by name."""
    found = {
        leaf.name: leaf
        for one in model.properties
        for leaf in leaves(one.type)
        if isinstance(leaf, Model | Words) and leaf is not model
    }
    return dict(sorted(found.items()))


def _cycles(models: tuple[Model, ...]) -> dict[str, int]:
    """A number for each model, the same for those that lead back to each other: these import each other late
    (strongly connected components, Tarjan 1972, without recursion)."""
    edges = {model.name: list(_references(model)) for model in models}
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    component: dict[str, int] = {}
    stack: list[str] = []
    for root in edges:
        if root in order:
            continue
        work: list[tuple[str, int]] = [(root, 0)]
        while work:
            name, place = work.pop()
            if place == 0:
                order[name] = low[name] = len(order)
                stack.append(name)
            for index in range(place, len(edges.get(name, []))):
                other = edges[name][index]
                if other not in order:
                    work += [(name, index + 1), (other, 0)]
                    break
                if other not in component:
                    low[name] = min(low[name], order[other])
            else:
                if low[name] == order[name]:
                    while True:
                        member = stack.pop()
                        component[member] = order[name]
                        if member == name:
                            break
                if work:
                    above = work[-1][0]
                    low[above] = min(low[above], low[name])
    return component


def _siblings(model: Model, cycles: dict[str, int]) -> list[tuple[str, str, bool]]:
    """(module, class, whether it has to be imported late) for each model and enum that a model refers to, by module."""
    return sorted(
        (other.module, name, isinstance(other, Model) and cycles[name] == cycles[model.name])
        for name, other in _references(model).items()
    )
