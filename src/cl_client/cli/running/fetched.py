"""The files of a job that an earlier run of `jobs fetch` has downloaded."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from cl_client.errors import UnsupportedError
from cl_client.files.local_names import local_names

if TYPE_CHECKING:
    from cl_client.jobs.collection import Job
    from cl_client.wire.types import JSONObject


async def fetched_before(job: Job[JSONObject], stem: Path) -> list[Path]:
    """The files at their places, if all of them are there with the content that the server has; otherwise none.

    Args:
        job: The job.
        stem: As of `saving.save_as`.
    """
    try:
        made = [file for file in await job.files() if not file.path.startswith("input/")]
    except UnsupportedError:
        return []
    names = local_names(file.path for file in made)
    if not made:
        place = stem.with_name(f"{stem.name}.json")
        output = json.dumps(job.task_output, indent=2).encode() + b"\n"
        return [place] if place.is_file() and place.read_bytes() == output else []
    if len(made) == 1:
        suffix = Path(names[made[0].path]).suffix
        places = {stem.with_name(f"{stem.name}{suffix}"): made[0].sha256}
    else:
        places = {stem / names[file.path]: file.sha256 for file in made}
    for place, sha256 in places.items():
        if not sha256 or not place.is_file() or await asyncio.to_thread(_sha256, place) != sha256:
            return []
    return list(places)


def is_same(path: Path, place: Path) -> bool:
    """Whether a file is at its place already."""
    return place.is_file() and not place.is_symlink() and _sha256(place) == _sha256(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
