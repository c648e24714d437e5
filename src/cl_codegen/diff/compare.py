"""What changed between two servers, as whoever uses their client sees it.

Both specs are normalised and named first, so that only what reaches the client counts, and each change has the Python
and command-line names that a user knows it by.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cl_codegen.diff.change import Change, Level
from cl_codegen.diff.components import components
from cl_codegen.diff.operations import operations
from cl_codegen.manifest.manifest import Manifest
from cl_codegen.manifest.prune import fitting
from cl_codegen.model.read import MANIFEST, Reading
from cl_codegen.normalise.rules import normalise
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
    return Reading.of(raw, fitting(manifest, normalise(raw)[0]), package, layout)


def diff(old: Reading, new: Reading) -> tuple[Change, ...]:
    """The changes from one server to the other: the gravest first, else in the order of the documents."""
    changes = [*_document(old, new), *operations(old, new), *components(old, new)]
    # One difference may be found along two ways, as of a schema that is both sent and read.
    gravest: dict[tuple[str, str], Change] = {}
    for change in changes:
        key = change.where, change.what.removesuffix(", and required")
        if key not in gravest or gravest[key].level < change.level:
            gravest[key] = change
    return tuple(sorted(gravest.values(), key=lambda change: -change.level))


def _document(old: Reading, new: Reading) -> Iterator[Change]:
    for key in ("title", "version", "description"):
        before, after = (side.spec.root.at("info").value_of(key) for side in (old, new))
        if before != after:
            what = f"the {key} is another" if key == "description" else f"the {key} is {after} now, was {before}"
            yield Change(Level.COSMETIC, "document", "the server", what)
