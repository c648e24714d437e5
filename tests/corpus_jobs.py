"""The job APIs among other people's documents, run: `python -m tests.corpus_jobs DIR`.

Each document that has jobs becomes a package, with the manifest of its name in tests/corpus_manifests where there is
one (at most ten lines), and a fake server is made from the document. Then jobs of every plugin are submitted, waited
for, made to fail, cancelled, and their files are downloaded. Prints a line for each; exits 1 where one is not right.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import importlib
import inspect
import sys
import tempfile
import typing
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import UnionType
from typing import Final, Literal, Union, get_args, get_origin

import attrs
import pytest
from attrs import define, field

from cl_client.errors import JobFailedError
from cl_client.wire import model
from cl_codegen.faults import GeneratorError
from cl_codegen.generate import Generated, PackageSources, generate
from cl_codegen.manifest.manifest import Manifest
from cl_codegen.normalise.rules import normalise
from cl_codegen.spec.spec import Spec, SpecError
from tests.codegen_server.fake_job_server import BYTES, FakeJobServer
from tests.codegen_server.running import running_server

ROOT: Final = Path(__file__).parents[1]
MANIFESTS: Final = Path(__file__).with_name("corpus_manifests")
MOST_LINES: Final = 10
STEPS: Final = ("submit and wait", "failure", "cancel", "download")


@define
class JobRow:
    """How the jobs of one document fared.

    Attributes:
        lines: of its manifest.
        plugins: that it has.
        done: for each step, how many plugins came through it, and how many the server has it for.
        faults: what went wrong.
    """

    name: str
    lines: int = 0
    plugins: int = 0
    done: dict[str, list[int]] = field(factory=lambda: {step: [0, 0] for step in STEPS})
    faults: list[str] = field(factory=list)

    def cells(self) -> tuple[str, ...]:
        steps = (f"{done}/{all_}" if all_ else "-" for done, all_ in self.done.values())
        return self.name[:56], str(self.lines or ""), str(self.plugins), *steps, "right" if not self.faults else "WRONG"


def hints_of(one: object) -> dict[str, object]:
    """The types of the parameters of a method, or the fields of a class; what is any JSON is anything."""
    names = vars(sys.modules[typing.cast("type", one).__module__])
    # What the base class of models is written with comes first, because one dictionary is for all of a class.
    return typing.get_type_hints(one, {**vars(model), **names, "JSONValue": object, "JSONObject": dict})


def value_of(kind: object, picture: Path) -> object:
    """A value of a type that a generated method takes."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return arguments[0]
    if origin in (Union, UnionType):
        chosen = [one for one in arguments if one is not type(None) and getattr(one, "__name__", "") != "Unset"]
        is_file = any(getattr(get_origin(one) or one, "__name__", "") in {"Path", "PathLike"} for one in chosen)
        return picture if is_file else value_of(chosen[0], picture)
    if origin in (list, Sequence):
        return [value_of(arguments[0], picture)]
    if origin is tuple:
        return tuple(value_of(one, picture) for one in arguments if one is not ...)
    if origin is dict or kind is dict:
        return {}
    if isinstance(kind, type) and attrs.has(kind):
        # attrs and not typing: a default that is UNSET need not be given.
        hints = hints_of(kind)
        needed = [one for one in attrs.fields(kind) if one.init and one.default is attrs.NOTHING]
        return kind(**{one.alias or one.name: value_of(hints[one.name], picture) for one in needed})
    if kind is datetime.datetime:
        return datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    known: dict[object, object] = {
        int: 1,
        float: 1.0,
        bool: True,
        str: "text",
        uuid.UUID: uuid.UUID(int=1),
        datetime.date: datetime.date(2026, 1, 1),
    }
    return known.get(kind, "text")


async def run(row: JobRow, package: str, made: Generated, spec: Spec, folder: Path) -> None:
    """Run jobs of every plugin of a package on a fake server."""
    module = importlib.import_module(f"{package}.client")
    client_class = next(value for value in vars(module).values() if getattr(value, "__module__", "") == module.__name__)
    contract = importlib.import_module(f"{package}.contract").CONTRACT
    fake = FakeJobServer(spec, contract, frozenset(plugin.path.raw for plugin in made.plugins))
    (folder / "picture.png").write_bytes(b"\x89PNG")
    with running_server(fake.app) as url:
        async with client_class(url) as client:
            for plugin in made.plugins:
                method = getattr(getattr(client, plugin.name), plugin.method)
                hints = hints_of(method)
                needed = [
                    name
                    for name, parameter in inspect.signature(method).parameters.items()
                    if parameter.default is inspect.Parameter.empty
                ]
                given = {name: value_of(hints[name], folder / "picture.png") for name in needed}
                own = contract.kinds[plugin.within[0].strip("\"'")] if contract.kinds else contract
                for step, does in (
                    ("submit and wait", _waits(fake, method, given)),
                    ("failure", _fails(fake, method, given)),
                    ("cancel", _cancels(fake, method, given) if own.cancel else None),
                    ("download", _downloads(fake, method, given, own.file, folder) if own.file else None),
                ):
                    if does is None:
                        continue
                    row.done[step][1] += 1
                    try:
                        await asyncio.wait_for(does, 60)
                    except Exception as fault:
                        row.faults.append(f"{plugin.name}: {step}: {type(fault).__name__}: {fault}")
                    else:
                        row.done[step][0] += 1


async def _waits(fake: FakeJobServer, method, given) -> None:
    fake.fails = False
    job = await method(**given, wait=True, timeout=30)
    assert job.status == "completed", job.status
    _ = job.output


async def _fails(fake: FakeJobServer, method, given) -> None:
    fake.fails = True
    with pytest.raises(JobFailedError):
        await method(**given, wait=True, timeout=30)
    fake.fails = False


async def _cancels(fake: FakeJobServer, method, given) -> None:
    job = await method(**given)
    await job.cancel()
    if job.status != "cancelled":
        await job.refresh()
    assert job.status == "cancelled", job.status


async def _downloads(fake: FakeJobServer, method, given, route: str, folder: Path) -> None:
    job = await method(**given, wait=True, timeout=30)
    path = ("result.bin",) if "{path}" in route else ()
    got = await job.download(folder / "result.bin", *path)
    assert got.read_bytes() == BYTES


def rows(documents: Sequence[Path], folder: Path) -> list[JobRow]:
    """How the documents fared that have jobs."""
    found: list[JobRow] = []
    for number, path in enumerate(documents):
        package = f"jobs{number}"
        manifest = MANIFESTS / f"{path.stem}.toml"
        row = JobRow(path.name)
        if manifest.exists():
            text = manifest.read_text("utf-8")
            row.lines = sum(bool(line.strip()) and not line.startswith("#") for line in text.splitlines())
            if row.lines > MOST_LINES:
                row.faults.append(f"{row.lines} lines of a manifest")
        try:
            made = generate(PackageSources(path, manifest, ROOT / "templates", package), folder / package)
            spec, _ = normalise(Spec.load(path), Manifest.load(manifest).choice)
        except (SpecError, GeneratorError) as refused:
            if manifest.exists():
                row.faults.append(str(refused))
                found.append(row)
            continue
        if not made.plugins:
            continue
        row.plugins = len(made.plugins)
        sys.path.insert(0, str(folder / package / "src"))
        try:
            asyncio.run(run(row, package, made, spec, folder))
        except Exception as fault:
            row.faults.append(f"{type(fault).__name__}: {fault}")
        finally:
            sys.path.remove(str(folder / package / "src"))
        found.append(row)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table. Returns 0 where all of it is right."""
    parser = argparse.ArgumentParser(prog="tests.corpus_jobs", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the documents are")
    documents = sorted(parser.parse_args(arguments).folder.iterdir())
    documents = [path for path in documents if path.suffix in {".json", ".yaml", ".yml"}]
    with tempfile.TemporaryDirectory() as folder:
        found = rows(documents, Path(folder))
    print(f"{'document':<56}  {'manifest':>8}  {'plugins':>7}  " + "  ".join(STEPS))
    for row in found:
        name, lines, plugins, *steps, verdict = row.cells()
        cells = "  ".join(f"{cell:<{len(step)}}" for cell, step in zip(steps, STEPS, strict=True))
        print(f"{name:<56}  {lines:>8}  {plugins:>7}  {cells}  {verdict}")
    for row in found:
        for fault in row.faults:
            print(f"{row.name}: {' '.join(fault.split())[:300]}")
    return 1 if any(row.faults for row in found) or not found else 0


if __name__ == "__main__":
    sys.exit(main())
