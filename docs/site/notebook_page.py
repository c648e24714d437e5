"""A notebook as a page: its texts, its code and what that printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict, cast


class Output(TypedDict):
    """What a cell printed (nbformat 4, `stream`)."""

    text: list[str]


class Cell(TypedDict):
    """A cell of a notebook (nbformat 4)."""

    cell_type: str
    source: list[str]
    outputs: list[Output]


class Notebook(TypedDict):
    """A notebook (nbformat 4)."""

    cells: list[Cell]


def read_cells(path: Path) -> list[Cell]:
    """The cells of a notebook, in order."""
    return cast("Notebook", json.loads(path.read_text(encoding="utf-8")))["cells"]


def notebook_page(path: Path) -> str:
    """The page of a notebook, with a link to the notebook itself."""
    blocks = [block for cell in read_cells(path) for block in _blocks(cell)]
    return "\n\n".join([*blocks, f"This page is a [notebook]({path.name})."]) + "\n"


def _blocks(cell: Cell) -> Iterator[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield source
        return
    yield f"```python\n{source}\n```"
    printed = "".join(line for output in cell["outputs"] for line in output["text"])
    if printed:
        yield f"```text\n{printed.rstrip()}\n```"
