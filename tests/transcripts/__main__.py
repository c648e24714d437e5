"""Play all scenes, or those that are named."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cl_server.embedded import LocalStack
from tests.accounts import JOBS
from tests.media.face import group
from tests.media.film import film
from tests.media.photo import corners, encoded, photo, write
from tests.transcripts.screen import Screen

OUT = Path("docs/transcripts")
NOTE = "<!-- Made by `python -m tests.transcripts`: what a terminal of 80 columns showed. -->"
# As long as /home/ada, by which it is called in what is kept: lines break where they did.
HOME = Path("/tmp/ada0")
Moment = tuple[str, str]
Scene = Callable[[Screen], Iterator[Moment]]
PASSWORD = "correct horse battery"


def demo(screen: Screen) -> Iterator[Moment]:
    """# The demo"""
    screen.type("cl-client demo")
    yield "While the jobs run", screen.wait("processing|completed")
    yield "At the end", screen.done()
    screen.clear()
    screen.type("cl-client demo")
    screen.wait("server ")
    screen.interrupt()
    yield "Stopped with Ctrl-C", screen.done()


def stream(screen: Screen) -> Iterator[Moment]:
    """# A film becomes a stream, and is watched"""
    command = "cl-client hls-streaming generate-manifest film.mp4 --watch -o film"
    screen.type(command)
    yield "On the way", screen.wait("processing")
    yield "At the end", screen.done()
    screen.clear()
    screen.type(command)
    screen.wait("processing")
    screen.interrupt()
    told = screen.done()
    screen.type(f"cl-client jobs watch {told.split('jobs watch ')[1].split()[0]}")
    screen.done()
    yield "Stopped with Ctrl-C, and taken up again", screen.done()


def batch(screen: Screen) -> Iterator[Moment]:
    """# Two hundred photos, three of them broken"""
    command = "cl-client media-thumbnail generate holiday --output-dir small"
    screen.type(command)
    yield "On the way", screen.wait(r"1\d\d/200 files")
    yield "At the end", screen.done()
    screen.type("rm -r small")
    screen.clear()
    screen.type(command)
    screen.wait(r" \d\d/200 files")
    screen.interrupt()
    screen.done()
    screen.type(f"{command} --resume")
    yield "Stopped with Ctrl-C, and gone on with", screen.done()


def login(screen: Screen) -> Iterator[Moment]:
    """# Logging in"""
    screen.type("cl-client hash compute photo.jpg")
    screen.done()
    screen.type("cl-client login ada")
    screen.wait("Password of ada:")
    screen.type("a guess")
    screen.done()
    screen.type("cl-client login ada")
    screen.wait("Password of ada: $")
    screen.type(PASSWORD)
    screen.done()
    screen.type("cl-client hash compute photo.jpg")
    screen.done()
    screen.type("cl-client logout")
    yield "From the first refusal to the logout", screen.done()
    screen.clear()
    screen.type("cl-client login ada")
    screen.wait("Password of ada:")
    screen.interrupt()
    yield "Ctrl-C at the question", screen.done()


def broker_down(screen: Screen) -> Iterator[Moment]:
    """# A broker that is down"""
    screen.type("export MQTT_BROKER_PORT=1999")
    screen.type("cl-client media-thumbnail generate photo.jpg --watch -o small.jpg")
    screen.done()
    screen.type("cl-client workers")
    yield "Jobs are done all the same", screen.done()
    screen.clear()
    screen.type("cl-client hls-streaming generate-manifest film.mp4 --watch -o film2")
    screen.wait("processing")
    screen.interrupt()
    yield "Stopped with Ctrl-C", screen.done()


def views(screen: Screen) -> Iterator[Moment]:
    """# Results to look at"""
    screen.type("cl-client exif extract photo.jpg")
    yield "EXIF", screen.done()
    screen.clear()
    screen.type("cl-client face-detection detect group.jpg --preview")
    yield "Faces", screen.done()


def server(screen: Screen) -> Iterator[Moment]:
    """# A server that stays"""
    screen.type("cl-client server up --detach --port 0 --mqtt-port 0 --workers 2")
    yield "Started", screen.done()
    screen.clear()
    screen.type("cl-client server status")
    screen.done()
    screen.type("cl-client server logs w0 -n 2")
    screen.done()
    screen.type("cl-client server stop")
    screen.done()
    screen.type("cl-client server status")
    yield "Looked at, and stopped", screen.done()


SCENES: tuple[Scene, ...] = (demo, stream, batch, broker_down, views, login, server)
WITH_ACCOUNTS = (login,)


def main(wanted: list[str]) -> None:
    """Play, and write what was seen."""
    OUT.mkdir(exist_ok=True)
    with home():
        for accounts in (False, True):
            scenes = [scene for scene in SCENES if (scene in WITH_ACCOUNTS) == accounts]
            scenes = [scene for scene in scenes if not wanted or scene.__name__ in wanted]
            if scenes:
                play(scenes, accounts)


def play(scenes: list[Scene], accounts: bool) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with LocalStack(port=8002, mqtt_port=1883, auth=accounts, auth_port=8000, workers=2) as stack:
        if stack.admin_password is not None:
            create = ["user", "create", "ada", "--new-password", PASSWORD, "--permissions", JOBS]
            who = {"CL_USERNAME": "admin", "CL_PASSWORD": stack.admin_password}
            subprocess.run(["cl-client", *create], env={**os.environ, "PATH": path, **who}, check=True)
        for scene in scenes:
            environment = {"PATH": path, "LANG": "C.UTF-8", "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
            with Screen(HOME, environment) as screen:
                text = [scene.__doc__ or "", NOTE]
                for title, shown in scene(screen):
                    text.append(f"## {title}\n\n```text\n{shown}\n```")
            (OUT / f"{scene.__name__.replace('_', '-')}.md").write_text("\n\n".join(text) + "\n")


@contextmanager
def home() -> Iterator[None]:
    """A folder with what the scenes need."""
    HOME.mkdir(mode=0o700)
    try:
        write(HOME / "photo.jpg", encoded(corners(1600, 1200), orientation=6))
        write(HOME / "group.jpg", encoded(group([(40, 60), (300, 200)])))
        write(HOME / "film.mp4", film(20, (640, 360), rate=25, sound=True))
        for number in range(1, 201):
            broken = number in (17, 101, 166)
            picture = b"this is not a picture" if broken else photo(300 + number, 240)
            (HOME / "holiday").mkdir(exist_ok=True)
            write(HOME / "holiday" / f"IMG_{number:04}.jpg", picture)
        yield
    finally:
        shutil.rmtree(HOME)


if __name__ == "__main__":
    main(sys.argv[1:])
