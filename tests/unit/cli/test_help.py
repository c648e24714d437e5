"""Help is quick, fits the screen, and is the same however it is asked for."""

import subprocess
import sys

import pytest

from cl_client.cli.main import main
from cl_client.version import __version__

NARROW = 80


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(NARROW))


def page(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert all(len(line) <= NARROW for line in out.splitlines())
    return out


@pytest.mark.parametrize("asked", [[], ["-h"], ["--json", "--help"], ["--help", "-q"]])
def test_the_front_page_is_the_same_whoever_draws_it(capsys: pytest.CaptureFixture[str], asked: list[str]):
    assert page(capsys, *asked) == page(capsys, "--help")


def test_the_front_page_names_every_command_and_global_option(capsys: pytest.CaptureFixture[str]):
    front = page(capsys, "--help")
    for word in (
        "hash", "image-conversion", "media-thumbnail", "demo", "download", "server", "jobs", "workers", "capabilities",
        "login", "user",
        "--compute-url", "--mqtt-broker", "--mqtt-port", "--auth-url", "--username", "--password", "--no-auth",
        "--json", "-q, --quiet", "--debug", "-h, --help", "--version",
    ):  # fmt: skip
        assert f"  {word}" in front


def test_help_imports_nothing_that_only_a_run_needs():
    program = """
import sys
from cl_client.cli.main import main
main(["--help"])
heavy = "httpx aiomqtt asyncio rich.console cl_client.client cl_plugins.hash cl_plugins.commands.hash"
sys.exit(" ".join(name for name in heavy.split() if name in sys.modules) or 0)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_help_of_no_command_imports_what_only_a_run_needs():
    program = """
import sys
from cl_client.cli.app import assemble
from cl_client.cli.help.front_page import CL_CLIENT
from cl_client.cli.main import main

def ask(app, *chain):
    main([*chain, "--help"])
    for name in app:
        if not name.startswith("-"):
            ask(app[name], *chain, name)

ask(assemble(CL_CLIENT))
heavy = "httpx aiomqtt asyncio logging rich email.utils cl_client.client cl_plugins.hash cl_server cl_ml_tools"
sys.exit(" ".join(name for name in heavy.split() if name in sys.modules) or 0)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "Usage: cl-client server models add [OPTIONS] FILE" in ran.stdout.splitlines()


def test_a_command_shows_what_its_parameters_take(capsys: pytest.CaptureFixture[str]):
    text = page(capsys, "image-conversion", "convert", "--help")
    assert "the suffix of --output selects it. [png, jpg, jpeg, webp, gif, bmp, tiff]" in " ".join(text.split())
    assert "--quality 1-100" in text
    assert "[default: 85]" in " ".join(text.split())
    assert "Example: cl-client image-conversion convert photo.png --format png" in text
    assert "Options of the job" in text
    assert "Global options" in text


def test_a_view_without_options_has_no_line(capsys: pytest.CaptureFixture[str]):
    assert "TABLEVIEW" not in page(capsys, "exif", "extract", "--help")


def test_h_is_the_height_where_there_is_one_and_help_elsewhere(capsys: pytest.CaptureFixture[str]):
    assert "-h, --height 1-8192" in page(capsys, "media-thumbnail", "generate", "--help")
    assert page(capsys, "hash", "compute", "-h") == page(capsys, "hash", "compute", "--help")


@pytest.mark.parametrize(
    ("arguments", "usage"),
    [
        (["hash", "--json"], "hash COMMAND [OPTIONS]"),
        (["--json", "hash", "--help"], "hash COMMAND [OPTIONS]"),
        (["hash", "compute", "photo.jpg", "--output", "x", "--help"], "hash compute [OPTIONS] IMAGE..."),
        (["image-conversion", "convert", "-h"], "image-conversion convert [OPTIONS] IMAGE..."),
        (["login", "--help"], "login [OPTIONS] [USERNAME]"),
        (["user", "update", "--help"], "user update [OPTIONS] USER"),
    ],
)
def test_a_page_says_how_a_command_is_called(capsys: pytest.CaptureFixture[str], arguments: list[str], usage: str):
    assert page(capsys, *arguments).splitlines()[0] == f"Usage: cl-client {usage}"


@pytest.mark.parametrize(
    "arguments", [["hsh", "--help"], ["hash", "compte", "--help"], ["hash", "compute", "--", "--help"]]
)
def test_no_page_hides_what_cannot_be_read(capsys: pytest.CaptureFixture[str], arguments: list[str]):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")


@pytest.mark.parametrize(
    "command", [["hash"], ["server"], ["server", "up"], ["download"], ["demo"], ["jobs"], ["jobs", "list"], ["workers"]]
)
def test_every_command_has_a_page(capsys: pytest.CaptureFixture[str], command: list[str]):
    assert page(capsys, *command, "--help").startswith(f"Usage: cl-client {' '.join(command)}")


def test_the_version_is_the_one_of_the_package(capsys: pytest.CaptureFixture[str]):
    assert page(capsys, "--version") == f"{__version__}\n"


def test_headings_are_bold_on_a_terminal_only(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    main([])
    assert "\033[1mJobs\033[0m" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    main([])
    assert "\033" not in capsys.readouterr().out
