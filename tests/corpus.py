"""Documents of other people's servers, each made into a package without a manifest: `python -m tests.corpus DIR`.

Prints a line for each: how many of its operations are methods, what was left out, whether every module is imported and
`--help` is there, and the errors of two type checkers at their strictest. Exits 1 where fewer than `--at-least` are
right. The documents are nobody's here: they are read from the folder that is given.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from attrs import Factory, define, frozen

from cl_codegen.faults import GeneratorError
from cl_codegen.generate import PackageSources, generate
from cl_codegen.spec.spec import Spec, SpecError

ROOT: Final = Path(__file__).parents[1]
TEMPLATES: Final = ROOT / "templates"
SUFFIXES: Final = frozenset([".json", ".yaml", ".yml"])
PROCESSES: Final = 2
BATCHES: Final = 3
"""How many processes basedpyright is for all packages: one reads the same libraries once, and needs 4 GB."""
LONGEST: Final = 300
"""Seconds of work that a type checker may take for a batch. A third of the packages is 50 s on a slow machine."""

_EVERYTHING: Final = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, sys.argv[1] + "."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""


@define
class Row:
    """How one document fared.

    Attributes:
        name: of the file; package: of what it became.
        operations: that it has; methods: that became of these; left_out: what did not, with the reasons.
        seconds: that it took.
        fault: why there is no package, or why it is no good; nothing where all is well.
        errors: of each type checker that was asked.
    """

    name: str
    package: str
    operations: int = 0
    methods: int = 0
    left_out: tuple[str, ...] = ()
    seconds: float = 0.0
    fault: str = ""
    errors: dict[str, int] = Factory(dict[str, int])

    @property
    def is_right(self) -> bool:
        return not self.fault and not any(self.errors.values())

    def cells(self) -> tuple[str, ...]:
        counted = f"{self.methods}/{self.operations}"
        errors = " ".join(str(count) for _, count in sorted(self.errors.items())) or "-"
        left_out = str(len(self.left_out)) if self.left_out else ""
        return (
            self.name[:56],
            counted,
            left_out,
            f"{self.seconds:.1f}",
            errors,
            " ".join(self.fault.split())[:110] or ("right" if self.is_right else "type errors"),
        )


@frozen
class Corpus:
    """The documents of a folder, and where their packages go."""

    documents: tuple[Path, ...]
    folder: Path

    def rows(self, *, types: bool) -> list[Row]:
        with ThreadPoolExecutor(PROCESSES) as pool:
            rows = list(pool.map(self._row, self.documents, range(len(self.documents))))
            if types:
                made = [row for row in rows if not row.fault]
                batches = [made, *self._batches(made)]
                list(pool.map(self._typed, ["mypy"] + ["basedpyright"] * len(batches), batches))
        return rows

    def _batches(self, rows: Sequence[Row]) -> list[list[Row]]:
        """Packages that are checked together: about as much code in each, the most first."""
        sizes = {row.package: sum(one.stat().st_size for one in self._modules(row)) for row in rows}
        batches: list[list[Row]] = [[] for _ in range(min(BATCHES, len(rows)))]
        for row in sorted(rows, key=lambda row: -sizes[row.package]):
            min(batches, key=lambda batch: sum(sizes[one.package] for one in batch)).append(row)
        return batches

    def _modules(self, row: Row) -> Iterator[Path]:
        return (self.folder / row.package / "src").rglob("*.py")

    def _row(self, path: Path, number: int) -> Row:
        words = "_".join(re.findall(r"[a-z0-9]+", path.stem.lower()))
        package = f"c{number}_{words}"[:40].rstrip("_")
        row = Row(path.name, package)
        began = time.perf_counter()
        try:
            row.operations = sum(1 for _ in Spec.load(path).operations())
            sources = PackageSources(path, self.folder / "none.toml", TEMPLATES, package)
            made = generate(sources, self.folder / package)
        except (SpecError, GeneratorError) as refused:
            row.fault = str(refused).removeprefix(f"{path}: ")
            return row
        except Exception as fault:
            row.fault = f"{type(fault).__name__}: {fault}"
            return row
        row.seconds = time.perf_counter() - began
        row.methods = sum(len(group.methods) for group in made.groups) + len(made.plugins)
        row.left_out = tuple(f"{one.pointer}: {one.reason}" for one in made.left_out)
        unnamed = row.operations - row.methods - len(row.left_out)
        row.fault = f"{unnamed} operations are neither methods nor named" if unnamed > 0 else self._tried(package)
        return row

    def _tried(self, package: str) -> str:
        """What is wrong with a package when it is imported whole, and asked for help."""
        paths = [str(self.folder / package / "src"), str(ROOT / "src"), str(ROOT / "generated")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        for arguments in (("-c", _EVERYTHING, package), ("-m", package, "--help")):
            ran = subprocess.run(
                [sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False
            )
            if ran.returncode != 0:
                return f"{arguments[0]}: {ran.stderr.strip().splitlines()[-1] if ran.stderr.strip() else 'failed'}"
        return ""

    def _typed(self, checker: str, rows: Sequence[Row]) -> None:
        """Count the errors of some packages. Where a type checker does not come to an end with them together, each is
        tried alone, so that the fault is that of the right one."""
        lines = self._mypy(rows) if checker == "mypy" else self._basedpyright(rows)
        if lines is not None:
            counted = self._counted(lines)
            for row in rows:
                row.errors[checker] = counted[row.package]
        elif len(rows) > 1:
            for row in rows:
                self._typed(checker, [row])
        else:
            rows[0].fault = f"{checker} is not done with it after {LONGEST} s"

    def _basedpyright(self, rows: Sequence[Row]) -> list[tuple[Path, str]] | None:
        """(file, error) of some packages; nothing, where it does not come to an end."""
        config = json.loads((ROOT / "pyrightconfig.json").read_text())
        sources = [str(self.folder / row.package / "src") for row in rows]
        here = [str(ROOT / "src"), str(ROOT / "generated")]
        config |= {"include": sources, "extraPaths": [*sources, *here], "venvPath": str(ROOT)}
        config.pop("executionEnvironments", None)
        project = self.folder / f"{rows[0].package}.json"
        project.write_text(json.dumps(config))
        command = ["basedpyright", "--outputjson", "--project", str(project), "--pythonpath", sys.executable]
        ran = self._limited(command)
        if not ran.lstrip().startswith("{"):
            return None
        found = json.loads(ran)["generalDiagnostics"]
        return [(Path(one["file"]), f"{one['message'].splitlines()[0]} ({one.get('rule')})") for one in found]

    def _mypy(self, rows: Sequence[Row]) -> list[tuple[Path, str]] | None:
        sources = [str(self.folder / row.package / "src") for row in rows]
        command = ["mypy", "--strict", "--follow-imports", "silent", "--python-executable", sys.executable]
        ran = self._limited([*command, "--cache-dir", str(self.folder / f"{rows[0].package}.mypy"), *sources], *sources)
        if not ran.rstrip().rpartition("\n")[2].startswith(("Success", "Found")):
            return None
        lines = [line for line in ran.splitlines() if ": error:" in line]
        return [(self.folder / line.partition(":")[0], line.partition(": error:")[2].strip()) for line in lines]

    def _limited(self, command: Sequence[str], *paths: str) -> str:
        """What a module of Python prints, which ends after so many seconds of work, however busy the machine is."""
        limit = ["sh", "-c", f'ulimit -t {LONGEST} && exec "$@"', "sh", sys.executable, "-m", *command]
        path = os.pathsep.join([*paths, str(ROOT / "src"), str(ROOT / "generated")])
        environment = {**os.environ, "MYPYPATH": path}
        return subprocess.run(
            limit, cwd=self.folder, env=environment, stdout=subprocess.PIPE, text=True, check=False
        ).stdout

    def _counted(self, faults: Sequence[tuple[Path, str]]) -> Counter[str]:
        """Faults by package; the first few of each are printed."""
        count: Counter[str] = Counter()
        for path, said in faults:
            inside = path.resolve().relative_to(self.folder.resolve())
            count[inside.parts[0]] += 1
            if count[inside.parts[0]] <= 3:
                sys.stdout.write(f"  {inside}: {said}\n")
        return count


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; the exit code says whether enough are right."""
    parser = argparse.ArgumentParser(prog="python -m tests.corpus", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the documents are")
    parser.add_argument("--at-least", type=int, default=0, help="how many have to be right; all of them if not given")
    parser.add_argument("--no-types", action="store_true", help="spare the type checkers")
    parser.add_argument("--keep", type=Path, help="a folder for the packages, in place of one that goes")
    given = parser.parse_args(arguments)
    documents = tuple(sorted(path for path in given.folder.iterdir() if path.suffix in SUFFIXES))
    with tempfile.TemporaryDirectory() as name:
        folder = (given.keep or Path(name)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        rows = Corpus(documents, folder).rows(types=not given.no_types)
    table = [("document", "operations", "left out", "s", "type errors", ""), *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for cells in table:
        sys.stdout.write("  ".join(map(str.ljust, cells, widths)).rstrip() + "\n")
    for row in rows:
        for line in row.left_out:
            sys.stdout.write(f"{row.name}: {line}\n")
    right, wanted = sum(row.is_right for row in rows), given.at_least or len(rows)
    sys.stdout.write(f"{right} of {len(rows)} are right, and at least {wanted} have to be\n")
    return 0 if right >= wanted else 1


if __name__ == "__main__":
    sys.exit(main())
