"""What a file of a job holds, as people compute with it; and a job as a notebook shows it."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Final, cast

from cl_client.errors import ComputeClientError, InvalidParameterError

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray
    from PIL import Image

    from cl_client.model import JobState

PREVIEW: Final = 512
"""Pixels of the longer side of a picture that is shown."""
_LONGEST: Final = 300
"""Characters of one value that are shown."""


def array_in(content: bytes, name: str) -> NDArray[numpy.float32]:
    """The numbers of an `.npy` file.

    Raises:
        InvalidParameterError: it holds none.
        ComputeClientError: NumPy is missing.
    """
    try:
        import numpy
    except ModuleNotFoundError:
        raise ComputeClientError("NumPy is missing, which arrays need", hint="pip install numpy") from None
    try:
        found = cast("NDArray[numpy.float32]", numpy.load(io.BytesIO(content), allow_pickle=False))
        return found.astype(numpy.float32, copy=False)
    except (ValueError, TypeError, OSError, EOFError, AttributeError) as error:
        raise InvalidParameterError(f"{name} holds no array: {error}") from None


def image_in(content: bytes, name: str) -> Image.Image:
    """The picture in a file, decoded.

    Raises:
        InvalidParameterError: it holds none that Pillow can read.
        ComputeClientError: Pillow is missing.
    """
    try:
        from PIL import Image
    except ModuleNotFoundError:
        raise ComputeClientError("Pillow is missing, which pictures need", hint="pip install pillow") from None
    try:
        image = Image.open(io.BytesIO(content))
        image.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise InvalidParameterError(f"{name} is not a picture that Pillow can read: {error}") from None
    return image


def preview(image: Image.Image) -> bytes:
    """A picture as PNG, no longer than `PREVIEW` pixels on either side."""
    small = image.convert("RGBA" if image.has_transparency_data else "RGB")
    small.thumbnail((PREVIEW, PREVIEW))
    file = io.BytesIO()
    small.save(file, "PNG")
    return file.getvalue()


def table(state: JobState) -> str:
    """A job as an HTML table; values are escaped, and cut where they are long."""
    # Only a notebook pays for it.
    import html

    rows = {"job": state.job_id, "task": state.task_type, "status": state.status}
    if state.status == "processing":
        rows["progress"] = f"{state.progress} %"
    if state.error_message:
        rows["error"] = state.error_message
    for name, value in (state.task_output or {}).items():
        rows[name] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    lines = "".join(
        f'<tr><th style="text-align:left">{html.escape(name)}</th>'
        f'<td style="text-align:left">{html.escape(_cut(value))}</td></tr>'
        for name, value in rows.items()
    )
    return f"<table>{lines}</table>"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
