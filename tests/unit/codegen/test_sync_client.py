"""The sync client follows the sources of the async one: what is new there has a twin after the next `make generate`."""

import shutil
from pathlib import Path

import pytest

from cl_codegen.faults import GenerationError
from cl_codegen.sync.sync_client import CLIENT, sync_client
from tests.codegen_server.folders import ROOT

PLUGINS = {path.name: path.read_text("utf-8") for path in (ROOT / "generated" / "cl_plugins").glob("*.py")}


def made(client: Path) -> dict[str, str]:
    return dict(sync_client(PLUGINS, ROOT / "templates" / "sync", client=client))


@pytest.fixture
def client(tmp_path: Path) -> Path:
    """The sources of the async client, to be changed."""
    return Path(shutil.copytree(CLIENT, tmp_path / "cl_client", ignore=shutil.ignore_patterns("__pycache__", "cli")))


def add_to_job(client: Path, source: str) -> None:
    path = client / "jobs" / "handle.py"
    text = path.read_text("utf-8")
    path.write_text(text.replace("    async def files(self)", f"{source}\n    async def files(self)"), "utf-8")


@pytest.mark.parametrize(
    ("source", "twin"),
    [
        pytest.param(
            '    async def rename(self, name: str, *, at: float = 1.5) -> int:\n        """`await job.rename()`."""\n',
            '    def rename(self, name: str, *, at: float = 1.5) -> int:\n        """`job.rename()`."""\n'
            "        return self.portal.run(self.twin.rename(name, at=at))\n",
            id="a coroutine",
        ),
        pytest.param(
            "    async def copies(self, *names: str) -> AsyncGenerator[Job[Output]]:\n        yield self\n",
            "    def copies(self, *names: str) -> Generator[Job[Output]]:\n"
            "        return (Job(self.portal, each) for each in self.portal.iterate(self.twin.copies(*names)))\n",
            id="an async generator of twins",
        ),
        pytest.param(
            "    @property\n    def parent(self) -> Job[Output] | None: ...\n",
            "    @cached_property\n    def parent(self) -> Job[Output] | None:\n"
            "        return None if (twin := self.twin.parent) is None else Job(self.portal, twin)\n",
            id="a property that is a twin",
        ),
        pytest.param(
            "    async def then(self, step: Callable[[Job[Output], int], Awaitable[None]]) -> None: ...\n",
            "    def then(self, step: Callable[[Job[Output], int], None]) -> None:\n"
            "        work_ = self.twin.then(in_thread("
            "lambda argument0, argument1: step(Job(self.portal, argument0), argument1)))\n"
            "        self.portal.run(work_)\n",
            id="a function that takes a twin",
        ),
        pytest.param(
            "    def forget(self) -> None: ...\n",
            "    def forget(self) -> None:\n        self.portal.call(lambda: self.twin.forget())\n",
            id="a method that waits for nothing",
        ),
    ],
)
def test_what_is_new_has_a_twin(client: Path, source: str, twin: str):
    add_to_job(client, source)
    assert twin in made(client)["job.py"]


def test_what_is_private_has_none(client: Path):
    add_to_job(client, "    async def _secret(self) -> None: ...\n")
    assert made(client) == made(CLIENT)


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("    async def family(self) -> dict[str, Job[Output]]: ...\n", "dict[str, Job[Output]]"),
        ("    async def meet(self, other: Job[Output]) -> None: ...\n", "other: Job[Output]"),
        ("    @staticmethod\n    def make() -> int: ...\n", "Job.make: staticmethod"),
    ],
)
def test_what_has_no_rule_is_refused_by_name(client: Path, source: str, place: str):
    add_to_job(client, source)
    with pytest.raises(GenerationError) as refused:
        made(client)
    assert place in str(refused.value)


def test_a_parameter_may_be_called_as_what_generated_code_may_not_import(client: Path):
    add_to_job(client, "    async def paint(self, logger: str) -> None: ...\n")
    path = client / "jobs" / "handle.py"
    path.write_text(path.read_text("utf-8").replace("Output = TypeVar", "logger = 1\nOutput = TypeVar", 1), "utf-8")
    text = made(client)["job.py"]
    assert "def paint(self, logger: str)" in text
    assert "import logger" not in text


def test_a_class_with_a_twin_that_the_runtime_does_not_have_is_named(client: Path):
    path = client / "runtime" / "__init__.py"
    path.write_text(path.read_text("utf-8").replace("import Watch as Watch", "import Watch as Other"), "utf-8")
    with pytest.raises(GenerationError, match=r"cl_client\.runtime does not have Watch of cl_client\.watching\.watch"):
        made(client)


def test_a_class_that_is_gone_is_named(client: Path):
    path = client / "watching" / "workers.py"
    path.write_text(path.read_text("utf-8").replace("class Workers:", "class Crew:"), "utf-8")
    with pytest.raises(GenerationError, match=r"cl_client\.watching\.workers has no Workers"):
        made(client)
