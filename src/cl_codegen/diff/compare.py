"""What changed between two servers, as the users of their client see it.

What is compared is what the servers say, and not what the generator makes of it: no rule of the normalisation can hide
a change. The generator gives the names in Python and on the command line that a user knows a change by.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import evolve

from cl_codegen.diff import rules
from cl_codegen.diff.addresses import servers
from cl_codegen.diff.change import Change
from cl_codegen.diff.components import components, webhooks
from cl_codegen.diff.document import Document, members
from cl_codegen.diff.operation import operations_of, pairs
from cl_codegen.diff.operations import operations
from cl_codegen.diff.python_names import surface
from cl_codegen.diff.schemas import Comparison
from cl_codegen.diff.sign_in import SignIn
from cl_codegen.manifest.manifest import Manifest
from cl_codegen.manifest.specs_table import SpecEntry
from cl_codegen.model.read import MANIFEST, Reading
from cl_codegen.spec.spec import Spec
from cl_codegen.text.layout import OURS, Layout


def read(path: Path, manifest: Path | None = None, layout: Layout | None = None) -> Reading:
    """A spec to be compared, with a manifest that may be older or newer than it.

    Raises:
        SpecError: as `generate`, but for what the manifest names and the spec does not have.
    """
    package = layout.wire if layout else f"cl_api.{path.stem}"
    known = Manifest.load(manifest or path.with_name(MANIFEST))
    return reading_of(Spec.load(path), known, package, layout or OURS)


def reading_of(raw: Spec, manifest: Manifest, package: str, layout: Layout = OURS) -> Reading:
    """As `read`, from what has been read already."""
    return Reading.of(raw, manifest, package, layout, is_any_manifest=True)


def read_entry(entry: SpecEntry, path: Path, layout: Layout) -> Reading:
    """A spec of a package that has several, to be compared.

    Args:
        entry: of it; path: where it is; layout: of the package.

    Raises:
        SpecError: as `read`.
    """
    own = layout.of_service(entry.name)
    return reading_of(Spec.load(path), entry.manifest, own.wire, own)


def diff_entries(
    entries: Iterable[tuple[SpecEntry, Path, Path]], templates: Path, layout: Layout
) -> tuple[Change, ...]:
    """What changed of the specs of a package, one after the other, and what follows for its Python surface.

    Args:
        entries: each with its old and its new document.
        templates: of the generator; layout: of the package.

    Raises:
        SpecError: as `read`.
    """
    changes: list[Change] = []
    for entry, before, after in entries:
        old, new = (read_entry(entry, path, layout) for path in (before, after))
        changes += (evolve(one, where=f"{entry.name}: {one.where}") for one in diff(old, new))
        changes += surface(old, new, templates, layout.of_service(entry.name))
    return tuple(changes)


def diff(old: Reading, new: Reading) -> tuple[Change, ...]:
    """The changes from one server to the other: the gravest first, else in the order of the documents."""
    documents = Document(old.raw.document), Document(new.raw.document)
    schemas, sign_in = Comparison(*documents), SignIn(*documents)
    before, after = operations_of(old, documents[0]), operations_of(new, documents[1])
    is_moved = any(one.whole_route != other.whole_route for one, other in pairs(before, after)[0])
    changes = [
        *_document(old, new),
        *servers(*documents, is_moved=is_moved),
        *sign_in.schemes(),
        *operations(before, after, schemas, sign_in),
        *webhooks(schemas),
        *components(old, new, schemas),
    ]
    # One difference may be found along two ways, as of a schema that is both sent and read.
    gravest: dict[tuple[str, str], Change] = {}
    for change in changes:
        key = change.where, change.what.removesuffix(", and required")
        if key not in gravest or gravest[key].level < change.level:
            gravest[key] = change
    return tuple(sorted(gravest.values(), key=lambda change: -change.level))


def _document(old: Reading, new: Reading) -> Iterator[Change]:
    for key in ("title", "version", "description"):
        before, after = (members(side.raw.document.get("info")).get(key) for side in (old, new))
        if before != after:
            what = f"the {key} is another" if key == "description" else f"the {key} is {after} now, was {before}"
            yield Change(rules.WORDS.sent, "document", "the server", what, rule=rules.WORDS.name)
