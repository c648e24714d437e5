"""docs/scale.md and docs/compose.yaml say what the commands understand."""

import re
import shlex
from pathlib import Path
from typing import cast

import yaml

from cl_server.__main__ import Options, make_parser
from cl_server.settings import Settings

DOCS = Path(__file__).parents[3] / "docs"
# Read by others than `Settings`: obstore, the models folder.
ELSEWHERE = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL", "CL_MODELS"}

Service = dict[str, object]


def services() -> dict[str, Service]:
    document = cast("dict[str, dict[str, Service]]", yaml.safe_load((DOCS / "compose.yaml").read_text()))
    return document["services"]


def understood(command: str) -> str:
    """The command is one; which it is."""
    name, *arguments = shlex.split(command)
    assert name == "cl-server"
    return make_parser().parse_args(arguments, Options()).command


def test_the_commands_of_the_page_are_understood() -> None:
    commands = re.findall("^cl-server .*$", (DOCS / "scale.md").read_text(), re.MULTILINE)
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


def test_what_the_compose_file_mounts_of_these_pages_is_there() -> None:
    mounts = cast("list[str]", services()["mosquitto"]["volumes"])
    shipped = {mount.partition(":")[0] for mount in mounts}
    assert {"./mosquitto.conf", "./mosquitto.acl"} <= shipped
    assert all((DOCS / name).is_file() for name in ("mosquitto.conf", "mosquitto.acl"))
