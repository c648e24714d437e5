"""A result that is a picture, shown in a terminal that can."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cl_client.cli.output.console import Console
from cl_client.cli.views import terminal_picture
from cl_client.cli.views.viewer import Viewer
from cl_client.errors import ComputeClientError, InvalidParameterError
from cl_client.runtime.view import PictureView

if TYPE_CHECKING:
    from cl_client.jobs.handle import Job

Output = TypeVar("Output")


class PictureViewer(Viewer):
    """Shows the artifact; one that cannot be shown fails no command."""

    makes_pictures = True

    def __init__(self, console: Console, view: PictureView) -> None:
        super().__init__(console)
        self._forced: bool = view.show not in ("auto", "never")
        self._protocol: terminal_picture.Protocol | None = None
        if view.show == "auto":
            self._protocol = terminal_picture.protocol() if console.seen else None
        elif view.show != "never":
            self._protocol = view.show

    def check(self, *, many: bool, kept: bool) -> None:
        """As `Viewer.check`."""
        if many and self._forced:
            raise InvalidParameterError("--show is for the picture of one file")
        if many or self._protocol is None:
            self._protocol = None
            return
        if not self.console.seen:
            self.console.warn("the picture is not shown: stdout is not a terminal")
            self._protocol = None
        elif not terminal_picture.can(self._protocol):
            if self._forced:
                raise ComputeClientError(f"--show {self._protocol} needs Pillow", hint="pip install pillow")
            self._protocol = None

    async def show(self, job: Job[Output], saved: list[Path]) -> None:
        """As `Viewer.show`."""
        if self._protocol is None:
            return
        try:
            with tempfile.TemporaryDirectory(prefix="cl-client-") as folder:
                file = saved[0] if saved else await job.download(Path(folder))
                drawn = await asyncio.to_thread(terminal_picture.drawn, file, self._protocol)
        except (ComputeClientError, OSError, ValueError) as error:
            if self._forced:
                self.console.warn(f"the picture cannot be shown: {error}")
            return
        self.console.picture(drawn)
