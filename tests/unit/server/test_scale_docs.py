"""docs/scale.md and docs/compose.yaml say what the commands understand."""

import re
import shlex
from pathlib import Path
from typing import cast

import yaml

from cl_server.__main__ import Options, main, make_parser
from cl_server.settings import Settings

DOCS = Path(__file__).parents[3] / "docs"
# Read by others than `Settings`: obstore, the models folder.
ELSEWHERE = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL", "CL_MODELS"}

Service = dict[str, object]


def services() -> dict[str, Service]:
    document = cast("dict[str, dict[str, Service]]", yaml.safe_load((DOCS / "compose.yaml").read_text()))
    return document["services"]


def commands_of(which: str) -> list[str]:
    """The lines of docs/scale.md that begin with `cl-server` and match."""
    return [found[0] for found in re.finditer(f"^cl-server {which}.*$", (DOCS / "scale.md").read_text(), re.MULTILINE)]


def understood(command: str) -> str:
    """The command is one; which it is."""
    name, *arguments = shlex.split(command)
    assert name == "cl-server"
    return make_parser().parse_args(arguments, Options()).command


def test_the_commands_of_the_page_are_understood() -> None:
    commands = commands_of("(?!broker)")
    assert [understood(command) for command in commands] == ["auth", "compute", "worker"]


def test_the_commands_of_the_compose_file_are_understood() -> None:
    ours = {
        name: str(service["command"]) for name, service in services().items() if name not in {"postgres", "mosquitto"}
    }
    assert {name: understood(command) for name, command in ours.items()} == {name: name for name in ours}
    assert ours.keys() == {"auth", "compute", "worker"}


def test_the_variables_of_the_compose_file_are_read() -> None:
    known = Settings(Path("data")).environment().keys() | ELSEWHERE
    for name in ("auth", "compute", "worker"):
        environment = cast("dict[str, str]", services()[name]["environment"])
        assert not environment.keys() - known


def test_the_compose_file_mounts_what_the_command_of_the_page_writes(tmp_path: Path) -> None:
    [command] = commands_of("broker-config")
    _, name, folder, *options = shlex.split(command)
    mounts = {cast("list[str]", services()[of]["volumes"])[0] for of in ("mosquitto", "compute")}
    assert mounts == {f"./{folder}:/mosquitto/config:ro", f"./{folder}/ca.pem:/etc/cl/ca.pem:ro"}
    # Whose the files become only root can say.
    options = options[: options.index("--owner")]
    assert main([name, str(tmp_path / folder), *options]) == 0
    assert {"mosquitto.conf", "ca.pem"} <= {path.name for path in (tmp_path / folder).iterdir()}
