"""The wire layer made from the test server's own document, and that server."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from cl_codegen.normalise.rules import normalise
from cl_codegen.spec.spec import Spec
from cl_codegen.wire import wire
from cl_codegen.write import output
from tests.codegen_server.folders import TEMPLATES, server_spec
from tests.codegen_server.running import running_server


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    with running_server() as url:
        yield url


@pytest.fixture(scope="session")
def wire_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The generated package, imported under a name of its own: `api.jobs`, `models`, `types`, `errors`, `Client`."""
    folder = tmp_path_factory.mktemp("wire")
    spec, _ = normalise(Spec.of(Path("server.json"), server_spec()))
    wire.generate(spec, "wire_under_test", folder / "wire_under_test", TEMPLATES / "api")
    output.format_folder(folder)
    sys.path.insert(0, str(folder))
    modules = {
        name: importlib.import_module(f"wire_under_test.{name}") for name in ("models", "types", "errors", "client")
    }
    for tag in ("jobs", "server"):
        package = folder / "wire_under_test" / "api" / tag
        modules[tag] = SimpleNamespace(
            **{
                module.stem: importlib.import_module(f"wire_under_test.api.{tag}.{module.stem}")
                for module in package.glob("[!_]*.py")
            }
        )
    yield SimpleNamespace(**modules, Client=modules["client"].Client, folder=folder)
    sys.path.remove(str(folder))


@pytest.fixture
def client(wire_api: SimpleNamespace, server_url: str) -> object:
    return wire_api.Client(server_url)
