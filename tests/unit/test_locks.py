"""A lock is whole: pip installs it as it is, and asks for nothing else."""

import ast
import tomllib
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.fresh.installed_as_locked import locked

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
GROUPS = PROJECT["dependency-groups"]
BACKEND = PROJECT["build-system"]["requires"]


def needed(requirements: list[str]) -> set[str]:
    """Everything that requirements need on this Python, with the extras that they ask for, however deep."""
    open_ = [Requirement(requirement) for requirement in requirements]
    seen: set[tuple[str, str]] = set()
    while open_:
        requirement = open_.pop()
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            further = map(Requirement, distribution(name).requires or [])
            open_.extend(r for r in further if r.marker is None or r.marker.evaluate({"extra": extra}))
    return {name for name, _ in seen}


def imported(file: Path) -> set[str]:
    """The top-level names of what a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize(
    ("lock", "requirements"),
    [
        ("run", [*EXTRAS["server"], *BACKEND]),
        ("ml", [*EXTRAS["server"], *EXTRAS["ml"], *BACKEND]),
        (
            "image",
            [*(requirement for extra in ("server", "ml", "postgres", "s3") for requirement in EXTRAS[extra]), *BACKEND],
        ),
        ("dev", [*GROUPS["dev"], *(requirement for extra in EXTRAS.values() for requirement in extra)]),
    ],
)
def test_a_lock_has_all_that_is_needed_and_nothing_else(lock: str, requirements: list[str]) -> None:
    in_lock = {canonicalize_name(entry.name) for entry in locked(ROOT / "locks" / f"{lock}.txt")}
    assert in_lock == needed([*PROJECT["project"]["dependencies"], *requirements])


def test_what_two_locks_have_is_one_version() -> None:
    versions: dict[str, set[str]] = {}
    for lock in (ROOT / "locks").glob("*.txt"):
        for entry in locked(lock):
            versions.setdefault(entry.name, set()).add(str(entry.specifier))
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_every_entry_has_its_hashes() -> None:
    for lock in (ROOT / "locks").glob("*.txt"):
        entries = lock.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
        assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_every_library_is_for_a_python_that_is_new_enough() -> None:
    """Without the marker, the pip of Python 3.10 refuses a library that it cannot have, and not the Python."""
    listed = [*PROJECT["project"]["dependencies"], *(requirement for extra in EXTRAS.values() for requirement in extra)]
    oldest = PROJECT["project"]["requires-python"].removeprefix(">=")
    assert {str(Requirement(requirement).marker) for requirement in listed} == {f'python_version >= "{oldest}"'}


def test_every_library_that_a_file_imports_is_in_the_lock() -> None:
    """A library that another one happened to bring is gone when that one no longer brings it."""
    in_lock = {canonicalize_name(entry.name) for entry in locked(ROOT / "locks" / "dev.txt")}
    brought_by = packages_distributions()
    missing = {
        (module, str(file.relative_to(ROOT)))
        for folder in ("src", "tests")
        for file in (ROOT / folder).rglob("*.py")
        for module in imported(file)
        if (brought := brought_by.get(module)) is not None
        and not {canonicalize_name(name) for name in brought} & {*in_lock, "cl-client", "pip"}
    }
    assert missing == set()
