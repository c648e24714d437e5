"""A manifest held against a spec that it was not written for: what of it still fits."""

from __future__ import annotations

from attrs import evolve

from cl_codegen.manifest.manifest import Entry, Manifest
from cl_codegen.spec.schema_types import properties
from cl_codegen.spec.spec import Node, Spec
from cl_codegen.text import naming


def fitting(manifest: Manifest, spec: Spec) -> Manifest:
    """The manifest without what a normalised spec does not have: for comparing, where nothing may be refused."""
    operations = {operation.at("operationId").text(): operation for _, _, operation in spec.operations()}
    entries = tuple(
        _fitting(entry, operations[entry.operation], spec)
        for entry in manifest.entries
        if entry.operation in operations
    )
    return evolve(manifest, entries=entries)


def is_path(artifact: str) -> bool:
    """Whether an artifact is named without the output: a path, or a parameter that has it."""
    return "/" in artifact or artifact.startswith("params.")


def stale(manifest: Manifest, spec: Spec) -> tuple[Entry, ...]:
    """The tables whose operation a normalised spec does not have."""
    operations = {operation.at("operationId").text() for _, _, operation in spec.operations()}
    return tuple(entry for entry in manifest.entries if entry.operation not in operations)


def without(manifest: Manifest, entries: tuple[Entry, ...]) -> str:
    """The text of a manifest without some of its tables; every other line stays as it was written."""
    names = {entry.plugin for entry in entries}
    kept: list[str] = []
    inside = False
    in_text = False
    waiting: list[str] = []
    for line in manifest.text.splitlines(keepends=True):
        if not in_text and line.lstrip().startswith("["):
            table = line.strip().lstrip("[").partition("]")[0].partition(".")[0].strip().strip("\"'")
            inside = table in names
            above = waiting if waiting else kept
            while inside and above and above[-1].lstrip().startswith("#"):
                above.pop()  # What stands right above a table is about it.
        if not in_text and not inside and waiting:
            kept += waiting
            waiting = []
        if not inside:
            kept.append(line)
        elif not in_text and (not line.strip() or line.lstrip().startswith("#")):
            waiting.append(line)  # What stands above the next table belongs to that one.
        elif line.strip():
            waiting = []
        in_text ^= (line.count("'''") + line.count('"""')) % 2 == 1
    return "".join(kept).rstrip("\n") + "\n" if kept else ""


def _fitting(entry: Entry, operation: Node, spec: Spec) -> Entry:
    wire_names = set(_fields(operation))
    names = {python: wire for python, wire in entry.names.items() if wire in wire_names}
    known = names.keys() | {naming.snake(wire, fallback="parameter") for wire in wire_names - set(names.values())}
    schemas = spec.root.find("components")
    listed = schemas.find("schemas") if schemas else None
    output = entry.output if listed is not None and entry.output and listed.find(entry.output) else None
    return evolve(
        entry,
        names=names,
        order=tuple(name for name in entry.order if name in known),
        flags={name: flags for name, flags in entry.flags.items() if name in known},
        output=output,
        artifact=entry.artifact if entry.artifact and is_path(entry.artifact) else None,
        view=None,
    )


def _fields(operation: Node) -> list[str]:
    body = operation.find("requestBody")
    content = body.follow().find("content") if body else None
    found: list[str] = []
    for _, media in content.members() if content else ():
        schema = media.find("schema")
        found += [name for name, _ in properties(schema.follow())] if schema else []
    return found
