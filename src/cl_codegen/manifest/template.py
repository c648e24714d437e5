"""A manifest for a spec that has none: what is derived anyway, written down, to be changed by hand."""

from __future__ import annotations

from collections.abc import Iterator

from cl_codegen.manifest.found import reasons, words
from cl_codegen.model.plugin import Parameter, Plugin
from cl_codegen.model.read import Reading
from cl_codegen.text.escape import one_line, toml

OPENING = "# The names of commands and methods, derived from the spec. Change them as you like.\n"


def manifest_for(reading: Reading) -> str:
    """Tables for the plugins that the manifest does not mention; no text where it mentions all of them.

    Together with it they make the very same client, with one thing more: the order of arguments is written down, so
    that a parameter which the server gains later cannot push others from their place.
    """
    known = {entry.operation for entry in reading.manifest.entries}
    why = reasons(reading)
    tables = [
        "\n".join(_table(plugin, why.get(plugin.operation, "")))
        for plugin in reading.plugins
        if plugin.operation not in known
    ]
    if not reading.manifest.server.statuses and (unknown := "\n".join(words(reading))):
        tables.append(unknown)
    return "\n\n".join(tables) + "\n" if tables else ""


def _table(plugin: Plugin, why: str) -> Iterator[str]:
    yield f"# {plugin.summary.raw}"
    if why:
        yield f"# {one_line(why)}"
    yield f"[{plugin.name}]"
    yield f"operation = {toml(plugin.operation)}"
    yield f"group = {toml(plugin.group)}"
    yield f"verb = {toml(plugin.verb)}"
    wire_names = [parameter.wire_name.raw for parameter in plugin.parameters]
    # A name that the body and the route both have is only distinguished by its place in the order.
    clear = [parameter for parameter in plugin.parameters if wire_names.count(parameter.wire_name.raw) == 1]
    renamed = [parameter for parameter in clear if parameter.wire_name != parameter.name]
    if renamed:
        yield f"names = {{ {', '.join(f'{one.name} = {toml(one.wire_name.raw)}' for one in renamed)} }}"
    stored = {one.name: one.stored.route.operation for one in plugin.parameters if one.stored is not None}
    if stored:
        yield "# Files are uploaded to the addresses that these operations return, and the job takes their IDs."
        yield f"uploads = {{ {', '.join(f'{name} = {toml(operation)}' for name, operation in stored.items())} }}"
    if plugin.parameters:
        yield f"order = [{', '.join(toml(parameter.name) for parameter in plugin.parameters)}]"
    artifact = _artifact(plugin)
    if artifact is not None:
        yield f"artifact = {toml(artifact)}"
    flags = dict(_flags(plugin.options))
    if flags:
        yield f"flags = {{ {', '.join(f'{name} = [{toml(flag)}]' for name, flag in flags.items())} }}"


def _artifact(plugin: Plugin) -> str | None:
    """The field of the output that names a file, where there is one such field and no doubt."""
    named = [field.wire_name.raw for field in plugin.output_fields if field.wire_name.raw.endswith("_path")]
    return named[0] if len(named) == 1 else None


def _flags(options: tuple[Parameter, ...]) -> Iterator[tuple[str, str]]:
    """A short flag for each required option, by its first letter, where that is free."""
    taken = {"-o", "-q", "-h"}
    for option in options:
        flag = f"-{option.name[0]}"
        if option.required and flag not in taken:
            taken.add(flag)
            yield option.name, flag
