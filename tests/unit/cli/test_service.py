"""`cl-client server install-service`: the unit is one that systemd takes, and nothing of the user's is replaced."""

import shutil
import subprocess
from pathlib import Path

import pytest

from cl_client.cli.main import main
from tests.conftest import absent

Output = pytest.CaptureFixture[str]
UNIT = Path("systemd", "user", "cl-client.service")


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path


def test_systemd_takes_the_unit_with_the_options_as_they_were_given(config: Path, capsys: Output) -> None:
    data = config / 'a "b" 100% $HOME'
    assert main(["server", "install-service", "--", "--workers", "2", "--data", str(data)]) == 0
    assert capsys.readouterr().out.strip().endswith(str(config / UNIT))
    if shutil.which("systemd-analyze") is None:
        absent("systemd-analyze")
    checked = subprocess.run(["systemd-analyze", "verify", config / UNIT], capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")
    [start] = [line for line in (config / UNIT).read_text().splitlines() if line.startswith("ExecStart=")]
    assert start.endswith(rf'server up --workers 2 --data "{config}/a \"b\" 100%% $$HOME"')


def test_a_unit_that_somebody_changed_stays(config: Path, capsys: Output) -> None:
    assert main(["server", "install-service"]) == 0
    assert main(["server", "install-service"]) == 0
    (config / UNIT).write_text("mine")
    assert main(["server", "install-service"]) == 1
    assert "has other content" in capsys.readouterr().err
    assert (config / UNIT).read_text() == "mine"


@pytest.mark.parametrize("wrong", [["--wokers", "2"], ["--workers", "0"], ["--detach"]])
def test_what_the_server_would_refuse_is_refused_now(wrong: list[str], config: Path, capsys: Output) -> None:
    assert main(["server", "install-service", "--", *wrong]) != 0
    assert "error: " in capsys.readouterr().err
    assert not (config / UNIT).exists()
