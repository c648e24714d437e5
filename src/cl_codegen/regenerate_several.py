"""As `regenerate`, for a package of several servers: fetch the specs, diff, generate, check the types."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from attrs import evolve

from cl_codegen.diff.compare import diff_entries
from cl_codegen.diff.report import report
from cl_codegen.faults import FetchError
from cl_codegen.generate import SeveralSources, generate
from cl_codegen.manifest.specs_table import SpecEntry, read_specs
from cl_codegen.regenerate import Summary, Types, check_types, contents
from cl_codegen.spec.fetch import Fetched, address, document
from cl_codegen.text.layout import Layout
from cl_extras import whole_file


def addresses(entries: tuple[SpecEntry, ...], given: Mapping[str, str]) -> dict[str, str]:
    """Where each spec comes from, by name: as it was given, else the `url` of its table; only those that have one.

    Raises:
        FetchError: what was given is of no spec, or nothing has an address.
    """
    if unknown := sorted(given.keys() - {entry.name for entry in entries}):
        raise FetchError(f"the manifest names no spec {unknown[0]}")
    found = {entry.name: given.get(entry.name, entry.url) for entry in entries}
    if not any(found.values()):
        raise FetchError('fetch from where? Write url = "https://…" into the tables of the specs')
    return {name: url for name, url in found.items() if url}


def fetch_several(manifest: Path, given: Mapping[str, str]) -> tuple[Fetched, ...]:
    """Write the documents of the servers of a manifest to where it says: all of them, or none.

    Raises:
        FetchError, SpecError: as `fetch`.
    """
    entries = {entry.name: entry for entry in read_specs(manifest)}
    urls = addresses(tuple(entries.values()), given)
    fresh = {name: document(url) for name, url in urls.items()}
    return tuple(_published(entries[name].path, content, urls[name]) for name, content in fresh.items())


def _published(path: Path, content: bytes, url: str) -> Fetched:
    changed = not path.exists() or path.read_bytes() != content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if changed:
            whole_file.write(path, content)
    except OSError as unwritable:
        raise FetchError(f"{path}: cannot be written: {unwritable.strerror or unwritable}") from None
    return Fetched(path, address(url), changed)


def regenerate_several(
    given: Mapping[str, str],
    sources: SeveralSources,
    out: Path,
    tell: Callable[[str], object],
    *,
    types: bool = True,
) -> Summary:
    """Follow the servers of a package. The specs and `out` are replaced at the end, or left as they were.

    Args:
        given: addresses by the name of the spec, in place of those of the manifest.
        sources: of the generator; out: the folder of the package.
        tell: is given the changes before anything is generated from them.
        types: whether to check them.

    Raises:
        SpecError, GeneratorError: as `fetch` and `generate`.
    """
    entries = {entry.name: entry for entry in read_specs(sources.manifest)}
    urls = addresses(tuple(entries.values()), given)
    with tempfile.TemporaryDirectory(prefix="cl_codegen-") as folder:
        fresh: dict[str, Path] = {}
        for name, url in urls.items():
            # Under its own name, which stands on top of each generated file.
            fresh[name] = Path(folder) / name / entries[name].path.name
            fresh[name].parent.mkdir()
            fresh[name].write_bytes(document(url))
        known = [
            (entries[name], entries[name].path, path) for name, path in fresh.items() if entries[name].path.exists()
        ]
        changes = diff_entries(known, sources.templates, Layout.of_package(sources.name))
        tell(f"Server: {', '.join(urls.values())}\n\n{report(changes, 'text')}\n")
        before = contents(out)
        made = generate(evolve(sources, documents=fresh), out)
        for name, path in fresh.items():
            _published(entries[name].path, path.read_bytes(), urls[name])
    after = contents(out)
    files = sum(before.get(path) != after.get(path) for path in before.keys() | after.keys())
    names = tuple(plugin.name for plugin in made.plugins)
    said = check_types(out) if types else Types("not checked, as it was asked for", checked=False)
    return Summary(changes, (), names, files, said)
