"""Record all scenes, or those with the given names."""

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
NOTE = "<!-- Made by `python -m tests.transcripts`: the output on a terminal of 80 columns. -->"
# As long as /home/ada, which replaces it in the recordings, so that lines break at the same places.
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
    """# Make a stream from a film"""
    command = "cl-client hls-streaming generate-manifest film.mp4 --watch -o film"
    screen.type(command)
    yield "While the job runs", screen.wait("processing")
    yield "At the end", screen.done()
    screen.clear()
    screen.type(command)
    screen.wait("processing")
    screen.interrupt()
    stopped = screen.done()
    screen.type(f"cl-client jobs watch {stopped.split('jobs watch ')[1].split()[0]}")
    screen.done()
    yield "Stopped with Ctrl-C, and followed again", screen.done()


def batch(screen: Screen) -> Iterator[Moment]:
    """# Process 200 photos, three of them broken"""
    command = "cl-client media-thumbnail generate holiday --output-dir small"
    screen.type(command)
    yield "While the jobs run", screen.wait(r"1\d\d/200 files")
    yield "At the end", screen.done()
    screen.type("rm -r small")
    screen.clear()
    screen.type(command)
    screen.wait(r" \d\d/200 files")
    screen.interrupt()
    screen.done()
    screen.type(f"{command} --resume")
    yield "Stopped with Ctrl-C, and continued", screen.done()


def login(screen: Screen) -> Iterator[Moment]:
    """# Log in"""
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
    yield "Ctrl-C at the prompt", screen.done()


def broker_down(screen: Screen) -> Iterator[Moment]:
    """# Without a broker"""
    screen.type("export MQTT_BROKER_PORT=1999")
    screen.type("cl-client media-thumbnail generate photo.jpg --watch -o small.jpg")
    screen.done()
    screen.type("cl-client workers")
    yield "Jobs complete over HTTP", screen.done()
    screen.clear()
    screen.type("cl-client hls-streaming generate-manifest film.mp4 --watch -o film2")
    screen.wait("processing")
    screen.interrupt()
    yield "Stopped with Ctrl-C", screen.done()


def views(screen: Screen) -> Iterator[Moment]:
    """# View results"""
    screen.type("cl-client exif extract photo.jpg")
    yield "EXIF", screen.done()
    screen.clear()
    screen.type("cl-client face-detection detect group.jpg --preview")
    yield "Faces", screen.done()


def server(screen: Screen) -> Iterator[Moment]:
    """# Run a server in the background"""
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
    yield "Status, logs and stop", screen.done()


def jobs(screen: Screen) -> Iterator[Moment]:
    """# Find jobs again"""
    screen.type("cl-client hash photo.jpg --label album=summer -q")
    screen.done()
    screen.type("cl-client jobs list --label album=summer")
    screen.done()
    screen.type("cl-client hls-streaming broken.mp4 --label album=summer --no-wait -q")
    failed = screen.done().splitlines()[-1]
    screen.type(f"cl-client jobs wait {failed}")
    screen.done()
    screen.type("cl-client jobs list --label album=summer")
    screen.done()
    screen.type(f"cl-client jobs logs {failed}")
    yield "Labels, failures and logs", screen.done()
    screen.clear()
    screen.type("cl-client jobs --help | head -n 19")
    yield "Help", screen.done()


SCENES: tuple[Scene, ...] = (demo, stream, batch, jobs, broker_down, views, login, server)
WITH_ACCOUNTS = (login,)


def main(wanted: list[str]) -> None:
    """Record the scenes."""
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
    """A folder with the files of the scenes."""
    HOME.mkdir(mode=0o700)
    try:
        write(HOME / "photo.jpg", encoded(corners(1600, 1200), orientation=6))
        write(HOME / "group.jpg", encoded(group([(40, 60), (300, 200)])))
        head, tag, content = film(2).partition(b"mdat")
        write(HOME / "broken.mp4", head + tag + bytes(len(content)))
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
