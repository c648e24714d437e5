"""The command lines of the project's first texts, as they are written there, with guests and without.

Only what nobody could know is put in: job ids, the id of a new user, passwords. Addresses come from the environment.
"""

import asyncio
import shlex
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy
import pytest
from attrs import frozen
from PIL import Image

from cl_client import AuthClient, UserCreateRequest
from cl_client.cli.main import main
from cl_server.embedded import LocalStack
from tests.accounts import JOBS
from tests.integration.cli.terminal import typed
from tests.integration.server.freeze import freeze
from tests.media.film import film
from tests.media.photo import photo, write


def vector(name: str) -> Callable[[Path], None]:
    def check(folder: Path) -> None:
        assert numpy.load(folder / name).shape == (512,)

    return check


def picture(name: str, width: int) -> Callable[[Path], None]:
    def check(folder: Path) -> None:
        with Image.open(folder / name) as made:
            assert made.width == width

    return check


def nothing(folder: Path) -> None:
    pass


@frozen
class Example:
    """Lines of a shell, what stdout begins with, and a look at what they left in the folder."""

    lines: str
    says: str
    check: Callable[[Path], None] = nothing


FOR_EVERYBODY = [
    Example("cl-client clip-embedding embed photo.jpg --output embedding.npy", "embedding: ", vector("embedding.npy")),
    Example("cl-client face-detection detect photo.jpg --watch", "faces: "),
    Example("cl-client media-thumbnail generate video.mp4 -w 256 -h 256 --watch", "thumbnail_path: "),
    Example("cl-client download <job-id> output/result.npy result.npy", "saved: result.npy", vector("result.npy")),
    Example("cl-client clip-embedding embed *.jpg --output-dir embeddings/", "photo.jpg: embeddings/photo.npy"),
    Example("cl-client batch submit jobs.json", "file: "),
    Example("cl-client jobs list --status completed", "<job-id>"),
    Example("cl-client jobs get <job-id>", "job: "),
    Example("cl-client jobs cancel <queued-id>", "<queued-id>  cancelled"),
]  # fmt: skip
WITH_AUTH = [
    Example("cl-client --username user --password pass clip-embedding embed photo.jpg", "embedding: "),
    Example(
        "export CL_USERNAME=user\nexport CL_PASSWORD=pass\ncl-client clip-embedding embed photo.jpg", "embedding: "
    ),
    Example(
        "cl-client --username user --password pass \\\n"
        "  media-thumbnail generate video.mp4 --output thumb.jpg --width 256 --height 256",
        "thumbnail_path: ",
        picture("thumb.jpg", 256),
    ),
]
ADMIN = "cl-client --username admin --password admin123 "
FOR_ADMINS = [
    Example(
        ADMIN + "\\\n  user create newuser --password userpass --permissions read:jobs write:jobs",
        "user: ",
    ),
    Example(ADMIN + "user list", "ID  USER"),
    Example(ADMIN + "user get 2", "user: "),
    Example(ADMIN + '\\\n  user update 2 --admin true --permissions "*"', "user: "),
    Example(ADMIN + "user delete 2", "deleted: user"),
]


@pytest.fixture(autouse=True)
def environment(server: LocalStack, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def passwords(server: LocalStack) -> dict[str, str]:
    """Those of the two accounts, by what the texts write for them."""
    assert server.admin_password is not None
    found = {"admin123": server.admin_password, "pass": "user's password"}
    wanted = UserCreateRequest(username="user", password=found["pass"], permissions=[JOBS])

    async def make() -> None:
        async with AuthClient(server.auth_url) as auth:
            await auth.create_user((await auth.login("admin", found["admin123"])).access_token, wanted)

    asyncio.run(make())
    return found


@pytest.fixture(params=["no-auth", "auth"])
def mode(
    request: pytest.FixtureRequest, server: LocalStack, passwords: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Whether guests are let in; where they are not, the environment says who it is."""
    let_guests_in(server, request.param == "no-auth")
    if request.param == "auth":
        monkeypatch.setenv("CL_USERNAME", "user")
        monkeypatch.setenv("CL_PASSWORD", passwords["pass"])
    yield request.param
    let_guests_in(server, True)


def let_guests_in(server: LocalStack, yes: bool) -> None:
    assert server.auth_url is not None
    login = {"username": "admin", "password": server.admin_password}
    token = httpx.post(f"{server.auth_url}/auth/token", data=login).json()["access_token"]
    httpx.put(
        f"{server.compute_url}/admin/config/guest-mode",
        data={"guest_mode": "true" if yes else "false"},
        headers={"Authorization": f"Bearer {token}"},
    ).raise_for_status()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user is, with the files that the texts take for granted."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "photo.jpg", photo(320, 240))
    write(tmp_path / "video.mp4", film(1, (320, 240)))
    (tmp_path / "jobs.json").write_text('[{"command": "hash compute", "file": "photo.jpg"}]')
    return tmp_path


class Shell:
    """Runs lines, in this process; `put_in` are the words that stand for something."""

    def __init__(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, put_in: dict[str, str]
    ) -> None:
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        self.put_in = put_in

    def words(self, line: str) -> list[str]:
        return [self.put_in.get(word, word) for word in shlex.split(line)]

    def run(self, lines: str) -> str:
        """What they printed."""
        self._capsys.readouterr()
        for line in lines.replace("\\\n", " ").splitlines():
            first, *words = self.words(line)
            if first == "export":
                name, _, value = words[0].partition("=")
                self._monkeypatch.setenv(name, self.put_in.get(value, value))
                continue
            assert first == "cl-client"
            code = main(words)
            out, err = self._capsys.readouterr()
            assert code == 0, err
        return out


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, passwords: dict[str, str]) -> Shell:
    return Shell(capsys, monkeypatch, dict(passwords))


def test_what_everybody_does(mode: str, folder: Path, shell: Shell, server: LocalStack):
    # A job with a file of that name, and one that waits: nobody is quick enough to cancel one that is done at once.
    done = shell.run("cl-client clip-embedding embed photo.jpg -q").strip()
    output = server.data / "jobs" / done / "output"
    (output / "clip_embedding.npy").rename(output / "result.npy")
    freeze(server, "w0", "w1")
    try:
        waiting = shell.run("cl-client hash compute photo.jpg --no-wait -q").strip()
        shell.put_in |= {"<queued-id>": waiting, "<job-id>": done}
        assert shell.run(FOR_EVERYBODY[-1].lines).startswith(f"{waiting}  cancelled")
    finally:
        server.kill("w0", signal.SIGCONT)
        server.kill("w1", signal.SIGCONT)
    for example in FOR_EVERYBODY[:-1]:
        printed = shell.run(example.lines)
        assert printed.startswith(example.says) or done in printed, example.lines
        example.check(folder)


@pytest.mark.parametrize("mode", ["auth"], indirect=True)
@pytest.mark.parametrize("example", WITH_AUTH, ids=lambda example: example.lines[:40])
def test_what_a_user_does(mode: str, folder: Path, shell: Shell, example: Example, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("CL_USERNAME")
    monkeypatch.delenv("CL_PASSWORD")
    assert main(["hash", "compute", "photo.jpg"]) == 1
    assert shell.run(example.lines).startswith(example.says)
    example.check(folder)


def test_what_a_guest_does(server: LocalStack, folder: Path, shell: Shell):
    assert shell.run("cl-client clip-embedding embed photo.jpg --no-auth").startswith("embedding: ")


def test_a_file_of_settings_leads_there(
    server: LocalStack, folder: Path, shell: Shell, monkeypatch: pytest.MonkeyPatch
):
    """TOML in it, whatever the file is called."""
    (folder / "config.yaml").write_text(f'[default]\ncompute_url = "{server.compute_url}"\n')
    monkeypatch.delenv("COMPUTE_URL")
    assert shell.run("cl-client --config config.yaml clip-embedding embed photo.jpg").startswith("embedding: ")


@pytest.mark.parametrize("mode", ["auth"], indirect=True)
def test_what_an_admin_does(mode: str, folder: Path, shell: Shell):
    create, *rest, delete = FOR_ADMINS
    made = shell.run(create.lines)
    shell.put_in["2"] = next(line.split()[1] for line in made.splitlines() if line.startswith("id:"))
    assert made.startswith(create.says)
    for example in rest:
        assert shell.run(example.lines).startswith(example.says), example.lines
    # A deletion asks, on a terminal.
    seen = typed(shell.words(delete.lines)[1:], [("[y/N]", "y")], folder)
    assert (seen.code, delete.says in seen.screen) == (0, True), seen.screen
