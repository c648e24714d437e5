"""Tests of a group go to one process (`--dist loadgroup`).

pytest-xdist 3.8 writes the group of a test into its node id, where pytest 9.2 does not read it any more: without a
word, each test goes anywhere, and each process makes every fixture of a module and starts every service. Here the
processes tell the groups in a file.
"""

import json
import os
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Final, cast

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling, Scheduling
from xdist.workermanage import WorkerController

FILE: Final = "file_of_groups"


class Groups:
    """The plugin, in the process that shares out the tests and in those that run them."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @cached_property
    def _file(self) -> Path:
        handle, name = tempfile.mkstemp(prefix="cl-groups-")
        os.close(handle)
        return Path(name)

    def pytest_configure_node(self, node: WorkerController) -> None:
        """Tell a process where to write."""
        node.workerinput[FILE] = str(self._file)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Write down the groups, which are the same in each process."""
        told = cast("dict[str, str]", getattr(self._config, "workerinput", {}))
        if FILE not in told:
            return
        marks = {item.nodeid: item.get_closest_marker("xdist_group") for item in session.items}
        groups = {nodeid: str(mark.args[0]) for nodeid, mark in marks.items() if mark is not None}
        part = Path(f"{told[FILE]}.{os.getpid()}")
        part.write_text(json.dumps(groups))
        part.replace(told[FILE])

    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Producer) -> Scheduling | None:
        """Ours, where groups are wanted."""
        if config.getoption("dist") != "loadgroup":
            return None
        return _ByGroup(config, log, self._file)

    def pytest_unconfigure(self) -> None:
        """Remove the file."""
        if "_file" in self.__dict__:
            self._file.unlink(missing_ok=True)


class _ByGroup(LoadScopeScheduling):
    def __init__(self, config: pytest.Config, log: Producer, file: Path) -> None:
        super().__init__(config, log)
        self._file = file

    @cached_property
    def _groups(self) -> dict[str, str]:
        # Asked for when all have collected.
        return cast("dict[str, str]", json.loads(self._file.read_text()))

    def _split_scope(self, nodeid: str) -> str:
        return self._groups.get(nodeid, nodeid)
