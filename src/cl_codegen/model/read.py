"""A spec and its manifest, read as the generator reads them, with nothing written."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from attrs import frozen

from cl_codegen.manifest.manifest import Manifest
from cl_codegen.manifest.prune import fitting
from cl_codegen.model.plugin import Plugin
from cl_codegen.model.read_plugins import read_plugins
from cl_codegen.normalise.rules import Applied, normalise
from cl_codegen.spec.spec import Spec
from cl_codegen.text.layout import OURS, Layout
from cl_codegen.wire import wire
from cl_codegen.wire.wire import Wire

MANIFEST: Final = "plugins.toml"


@frozen
class Reading:
    """What a spec comes to.

    Attributes:
        raw: the spec as the server says it.
        spec: the same, normalised.
        applied: which rules did what on the way.
        wire: what the wire layer is called.
        manifest: what people said of names.
        plugins: by name.
    """

    raw: Spec
    spec: Spec
    applied: tuple[Applied, ...]
    wire: Wire
    manifest: Manifest
    plugins: tuple[Plugin, ...]

    @classmethod
    def of(
        cls, raw: Spec, manifest: Manifest, package: str, layout: Layout = OURS, *, is_any_manifest: bool = False
    ) -> Reading:
        """Read a spec.

        Args:
            raw: as the server says it.
            manifest: what people said of names.
            package: the wire layer.
            layout: of the packages.
            is_any_manifest: whether the manifest may name what the spec does not have; that is left out then.

        Raises:
            SpecError: as `generate`.
        """
        spec, applied = normalise(raw)
        made = wire.outline(spec, package)
        known = fitting(manifest, spec) if is_any_manifest else manifest
        return cls(raw, spec, applied, made, known, read_plugins(spec, known, made, layout))

    @classmethod
    def load(cls, path: Path, manifest: Path | None = None, layout: Layout | None = None) -> Reading:
        """Read a file, with the manifest that stands beside it where none is given."""
        raw = Spec.load(path)
        package = layout.wire if layout else f"cl_api.{path.stem}"
        return cls.of(raw, Manifest.load(manifest or path.with_name(MANIFEST)), package, layout or OURS)
