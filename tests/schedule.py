"""Which tests share a process, in which order the processes take them, and which of them coverage looks at.

A service is started by the process that first needs it. Tests that need the same one therefore go to one process
(`--dist loadgroup`), one folder of tests at a time, so that no process gets too much of the suite. Nothing is shared
between processes: a test has its service for itself while it runs.
"""

from functools import cache
from pathlib import Path
from typing import Final

import pytest

SERVICES: Final = ("accounts", "server", "idle_stack", "stacks", "postgres_url", "s3", "wire_api")
"""The fixtures of a session that take long to start. What needs two of them goes with the first."""

BACKENDS: Final = ("postgresql", "s3")
"""Parameters of tests by which a fixture asks for one of them."""

SLOWEST_FIRST: Final = ("workflows", "faults", "integration", "oracles", "conformance")
"""The folders with the longest tests: if one came last, the other processes would have nothing to do meanwhile."""

UNMEASURED: Final = (
    "conformance/test_many_jobs.py",
    "conformance/test_processes.py",
    "conformance/test_state_machine.py",
    "faults/test_soak.py",
    "faults/test_watch_faults.py",
    "faults/test_watching.py",
    "integration/access/test_operations.py",
    "integration/access/test_schema.py",
    "integration/server/test_few_descriptors.py",
    "integration/server/test_hostile.py",
    "oracles/test_films.py",
    "oracles/test_pixels.py",
    "property/test_codegen_text.py",
    "property/test_diff_rules.py",
    "unit/cli/test_completion.py",
    "unit/docs/test_english.py",
    "unit/docs/test_site.py",
    "unit/docs/test_troubleshooting.py",
    "unit/test_locks.py",
    "workflows/test_many_hosts.py",
    "workflows/test_pages.py",
)
"""Tests that run the same code thousands of times, which other tests run too, or that only talk to other processes.

To count lines doubles what such a test costs on Python 3.11. What only these run counts as not run at all.
"""


def arrange(items: list[pytest.Item]) -> None:
    """Put the tests in order and in groups."""
    items.sort(key=lambda item: _turn(item.path))
    for item in items:
        if item.get_closest_marker("xdist_group") is None and (group := _group(item)) is not None:
            item.add_marker(pytest.mark.xdist_group(group))


@cache
def is_unmeasured(path: Path) -> bool:
    """Whether coverage looks away while the tests of a file run."""
    return path.relative_to(Path(__file__).parent).as_posix() in UNMEASURED


@cache
def _turn(path: Path) -> int:
    folder = path.relative_to(Path(__file__).parent).parts[0]
    return SLOWEST_FIRST.index(folder) if folder in SLOWEST_FIRST else len(SLOWEST_FIRST)


def _group(item: pytest.Item) -> str | None:
    """The name of the tests that share a process with this one."""
    if not isinstance(item, pytest.Function):
        return None
    if (service := _service(item)) is not None:
        return f"{item.path.parent.name}-{service}"
    of_module = any(found[-1].scope == "module" for found in item._fixtureinfo.name2fixturedefs.values())
    return item.path.stem if of_module else None


def _service(item: pytest.Function) -> str | None:
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    for name in ("caller", "anybody"):
        # Somebody with an account, or a guest of a stack without accounts.
        if name in parameters:
            return "accounts" if parameters[name] in {"user", "admin", "stranger"} else "stacks"
    for value in parameters.values():
        if isinstance(value, str) and value in BACKENDS:
            return value
    known = item._fixtureinfo.name2fixturedefs
    return next((name for name in SERVICES if name in known and known[name][-1].scope == "session"), None)
