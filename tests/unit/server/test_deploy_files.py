"""docs/deploy holds: the image has what it needs, the manifests and the unit start commands that exist.

`make check-deploy` has hadolint and the schemas of Kubernetes. No image is built here: that needs a container runtime.
"""

import fnmatch
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest
import yaml

from cl_server.__main__ import Options, make_parser
from cl_server.settings import Settings
from tests.conftest import absent

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "docs" / "deploy"
UNIT = DEPLOY / "systemd" / "cl-server@.service"
COMMANDS = Path(sys.executable).parent

Item = dict[str, object]


def at(item: object, *path: str | int) -> object:
    """What is below some names and numbers."""
    for step in path:
        item = cast("dict[str | int, object]", item)[step]
    return item


def items(kind: str) -> list[Item]:
    """The manifests of a kind."""
    every = cast("list[Item]", list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())))
    return [item for item in every if item["kind"] in kind.split()]


def test_the_image_gets_all_that_the_package_is_made_of(tmp_path: Path) -> None:
    shown = [
        line.removeprefix("!")
        for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in tracked.splitlines():
        if any(fnmatch.fnmatch(name, shows) or name.startswith(f"{shows}/") for shows in shown):
            target = tmp_path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target)
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    copied = cast("list[str]", re.findall(r"^COPY (locks/\S+) locks/$", dockerfile, re.MULTILINE))
    assert [(tmp_path / name).is_file() for name in copied] == [True]
    build = [COMMANDS / "hatchling", "build", "-t", "wheel", "-d", "dist"]
    made = subprocess.run(build, cwd=tmp_path, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr


def test_every_container_starts_a_command_that_exists_and_may_write_nowhere_but_in_its_volumes() -> None:
    for item in items("Deployment StatefulSet"):
        pod = at(item, "spec", "template", "spec")
        container = at(pod, "containers", 0)
        program, *arguments = cast("list[str]", at(container, "args"))
        assert program == "cl-server"
        assert make_parser().parse_args(arguments, Options()).command == at(container, "name")
        assert at(pod, "securityContext", "runAsNonRoot") is True
        assert at(container, "securityContext", "readOnlyRootFilesystem") is True
        assert at(container, "securityContext", "capabilities") == {"drop": ["ALL"]}
        mounted = {at(mount, "mountPath") for mount in cast("list[object]", at(container, "volumeMounts"))}
        assert {"/tmp", "/var/lib/cl"} <= mounted


def test_selectors_find_their_pods() -> None:
    labels = [at(item, "spec", "template", "metadata", "labels") for item in items("Deployment StatefulSet")]
    for item in items("Deployment StatefulSet PodDisruptionBudget"):
        assert at(item, "spec", "selector", "matchLabels") in labels
    for item in items("Service"):
        assert at(item, "spec", "selector") in labels


def test_the_settings_are_read() -> None:
    [config] = items("ConfigMap")
    known = Settings(Path("data")).environment().keys() | {"CL_LOG"}
    assert cast("dict[str, str]", config["data"]).keys() <= known


@pytest.mark.parametrize("server", ["auth", "compute", "worker"])
def test_the_unit_is_valid_and_starts_a_command_that_exists(server: str, tmp_path: Path) -> None:
    text = UNIT.read_text()
    assert "ExecStart=/opt/cl-client/bin/cl-server %i\n" in text
    assert make_parser().parse_args([server], Options()).command == server
    if shutil.which("systemd-analyze") is None:
        absent("systemd-analyze")
    unit = tmp_path / f"cl-server@{server}.service"
    unit.write_text(text.replace("/opt/cl-client/bin", str(COMMANDS)))
    checked = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")
    # From 0 to 100, where 100 is a service without any limit.
    audit = ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit]
    audited = subprocess.run(audit, capture_output=True, text=True)
    assert audited.returncode == 0, audited.stdout
