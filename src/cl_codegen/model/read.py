"""A spec and its manifest, read as the generator reads them, with nothing written."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from attrs import frozen

from cl_codegen.manifest.manifest import Manifest
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
    def of(cls, raw: Spec, manifest: Manifest, package: str, layout: Layout = OURS) -> Reading:
        """Read a spec.

        Raises:
            SpecError: as `generate`.
        """
        spec, applied = normalise(raw)
        made = wire.outline(spec, package)
        return cls(raw, spec, applied, made, manifest, read_plugins(spec, manifest, made, layout))

    @classmethod
    def load(cls, path: Path, manifest: Path | None = None, layout: Layout | None = None) -> Reading:
        """Read a file, with the manifest that stands beside it where none is given."""
        raw = Spec.load(path)
        package = layout.wire if layout else f"cl_api.{path.stem}"
        return cls.of(raw, Manifest.load(manifest or path.with_name(MANIFEST)), package, layout or OURS)
