"""The content of `cl-client demo`: the main job from end to end, with a temporary server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
import textwrap
import time
import webbrowser
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cl_client.cli.output.console import Console, human_size
from cl_client.errors import ComputeClientError, DownloadError

if TYPE_CHECKING:
    from cl_client.client import ComputeClient
    from cl_client.watching.event import Event

_BROKER_ANSWERS: Final = 10.0
_JOBS_END: Final = 60.0

Check = tuple[str, Path, str, tuple[int, int]]
"""A result: its kind, path, format, and size in pixels."""


class Demonstration:
    """One photo, two jobs.

    Args:
        console: The output.
        folder: The folder for the photo and the results.
        page: Whether to open the page of the server, and keep it running until Ctrl-C.
    """

    def __init__(self, console: Console, folder: Path, *, page: bool = False) -> None:
        self._console = console
        self._page = page
        self._folder = folder
        self._begin = time.monotonic()

    async def play(self) -> None:
        """Show it.

        Raises:
            ComputeClientError: something did not come as it should.
        """
        from cl_client.client import ComputeClient
        from cl_client.config.servers import ServerConfig
        from cl_client.embedded import local_stack

        console = self._console
        console.say("One photo, two jobs, and a server for them on this machine.")
        console.say()
        async with local_stack() as stack:
            console.done(f"server     {stack.compute_url}, {len(stack.pids().keys() - {'broker', 'compute'})} workers")
            photo = self._take_photo()
            client = ComputeClient(server_config=ServerConfig.from_env(stack.environment()))
            async with client, self._listening(stack.mqtt_host, stack.mqtt_port, stack.broker_kind) as heard:
                checks = await self._run_jobs(client, photo)
            if not heard:
                raise ComputeClientError("no event arrived over MQTT while the jobs ran")
            left_out = list(stack.left_out())
            if self._page:
                await self._show_page(f"{stack.compute_url}/ui")
        console.say()
        for check in checks:
            self._look_at(*check)
        self._conclude(photo, checks)
        if left_out:
            self._tell_left_out(left_out)

    async def _show_page(self, url: str) -> None:
        """Open it where there is a screen, and wait for Ctrl-C."""
        console = self._console
        console.say()
        console.done(f"page       {url}")
        console.say("Ctrl-C stops the server.")
        if sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
            await asyncio.to_thread(webbrowser.open, url)
        await asyncio.Event().wait()

    def _take_photo(self) -> Path:
        # Pillow comes with the server, which is running by now.
        from cl_client.cli.demo import sample_photo

        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            photo = sample_photo.write(self._folder / "photo.jpg")
        except OSError as error:
            raise DownloadError(
                f"cannot write to {self._folder}: {error.strerror or error}",
                hint="give another folder: cl-client demo --output DIR",
            ) from error
        stored = f"{sample_photo.SIZE[1]} × {sample_photo.SIZE[0]}"
        self._console.done(f"photo      {photo}, {stored}, stored sideways")
        return photo

    @contextlib.asynccontextmanager
    async def _listening(self, host: str, port: int, kind: str) -> AsyncGenerator[list[str]]:
        """Print the events of the broker as they arrive, and collect them in a list."""
        from cl_client.config.defaults import ComputeClientConfig as Config
        from cl_client.watching.event import Event
        from cl_client.watching.mqtt_connection import Broker, Listener, subscribe

        heard: list[str] = []
        listening = asyncio.Event()

        def message(topic: str, payload: bytes) -> None:
            with contextlib.suppress(ValueError, RecursionError):
                heard.append(self._line(Event.parse(payload)))
                self._console.say(heard[-1])

        listener = Listener(message, lambda topics: listening.set(), lambda reason: None)
        subscription = subscribe(Broker(host=host, port=port), listener)
        subscription.add(Config.MQTT_EVENTS_TOPIC)
        try:
            await self._answer(listening, port)
            self._console.done(f"broker     mqtt://{host}:{port} ({kind}), which sends these events:")
            self._console.say()
            yield heard
        finally:
            await subscription.close()

    async def _answer(self, listening: asyncio.Event, port: int) -> None:
        try:
            await asyncio.wait_for(listening.wait(), _BROKER_ANSWERS)
        except TimeoutError:
            raise ComputeClientError(f"the MQTT broker on port {port} does not answer") from None

    def _line(self, event: Event) -> str:
        what = event.job.task_type if event.job is not None else event.job_id
        progress = f"{event.job.progress:3} %" if event.job is not None else ""
        return f"    {time.monotonic() - self._begin:5.2f} s   {what:<16}   {event.status:<10}   {progress}"

    async def _run_jobs(self, client: ComputeClient, photo: Path) -> list[Check]:
        from cl_client.cli.demo import sample_photo

        thumbnail, conversion = await asyncio.gather(
            client.media_thumbnail.generate(photo, wait=True, timeout=_JOBS_END),
            client.image_conversion.convert(photo, "webp", wait=True, timeout=_JOBS_END),
        )
        files = await asyncio.gather(thumbnail.download(self._folder), conversion.download(self._folder))
        return [
            ("thumbnail", files[0], "JPEG", (192, 256)),
            ("WebP", files[1], "WEBP", sample_photo.SIZE),
        ]

    def _look_at(self, what: str, path: Path, format: str, size: tuple[int, int]) -> None:
        from cl_client.cli.demo import sample_photo

        fault = sample_photo.fault_of(path, format=format, size=size)
        if fault is not None:
            raise ComputeClientError(f"{path} {fault}")
        self._console.done(f"{what:<10} {path}, {size[0]} × {size[1]}, {human_size(path.stat().st_size)}, upright")

    def _conclude(self, photo: Path, checks: list[Check]) -> None:
        console = self._console
        seconds = time.monotonic() - self._begin
        console.say()
        console.say(f"Done in {seconds:.1f} s. Look at the pictures:")
        files = [photo, *(path for _, path, _, _ in checks)]
        console.result(
            {"files": [str(file) for file in files], "seconds": round(seconds, 3)},
            [("photo", str(photo)), *((what, str(path)) for what, path, _, _ in checks)],
            id=str(self._folder),
        )
        console.say()
        console.say("Next, start a server in one terminal:")
        console.say(f"  {_called()} server up")
        console.say("and run jobs in another:")
        console.say(f"  {_called()} media-thumbnail generate {photo} -w 320 --watch -o .")
        console.say(f"  {_called()} hash compute {photo}")

    def _tell_left_out(self, plugins: list[str]) -> None:
        """Name the plugins without their library or model file, and the next command."""
        from cl_extras.install import install_command, is_complete

        console = self._console
        console.say()
        for line in textwrap.wrap(f"Plugins that were left out: {', '.join(plugins)}.", 80, break_on_hyphens=False):
            console.say(line)
        if is_complete("ml"):
            console.say("Each needs a model file. This lists them:")
            console.say(f"  {_called()} server models list")
        else:
            console.say("To install what they need, run:")
            console.say(f"  {install_command('ml')}")


def _called() -> str:
    """The command as a shell finds it here: `make demo` runs it from an environment that is not on the path."""
    program, here = Path(sys.argv[0]).absolute(), Path.cwd()
    if program.name == "cl-client" and program.is_relative_to(here) and shutil.which("cl-client") is None:
        return str(program.relative_to(here))
    return "cl-client"
