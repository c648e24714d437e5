"""Fetches the JavaScript libraries of the page from the npm registry: `python -m tests.vendored`.

`locks/page.json` names each with its version, the hash of its archive as the registry has it (Subresource Integrity),
and its files with their SHA-256. To take a newer version, change the version there and run this with `--update`.
"""

import base64
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final, TypedDict, cast

ROOT: Final = Path(__file__).parent.parent
LOCK: Final = ROOT / "locks" / "page.json"


class Library(TypedDict):
    """One library: `files` are the places of its files, by their names in the archive."""

    version: str
    license: str
    integrity: str
    files: dict[str, str]
    replace: dict[str, str]


def read_lock() -> tuple[dict[str, Library], dict[str, str]]:
    """The libraries by name, and the SHA-256 of each of their files by its place."""
    lock = cast("dict[str, object]", json.loads(LOCK.read_text()))
    return cast("dict[str, Library]", lock["libraries"]), cast("dict[str, str]", lock["sha256"])


def contents(name: str, library: Library, *, update: bool) -> dict[str, bytes]:
    """The files of a library, by their places. Raises `SystemExit` if the archive isn't the one of the lock."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", f"{name}@{library['version']}"]
        packed = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
        archive = Path(folder, packed.stdout.split()[-1]).read_bytes()
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if update:
        library["integrity"] = integrity
    elif integrity != library["integrity"]:
        raise SystemExit(f"the archive of {name} {library['version']} is not the one in {LOCK.name}")
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for member, place in library["files"].items():
            file = files.extractfile(f"package/{member}")
            if file is None:
                raise SystemExit(f"{name} {library['version']} has no {member}")
            content = file.read()
            for old, new in library["replace"].items() if member.endswith(".mjs") else ():
                content = content.replace(old.encode(), new.encode())
            found[place] = content
    return found


def main(*words: str) -> None:
    """Write the files; with `--update`, write their hashes to the lock instead of comparing them."""
    update = "--update" in words
    libraries, sums = read_lock()
    new: dict[str, str] = {}
    for name, library in libraries.items():
        for place, content in contents(name, library, update=update).items():
            new[place] = hashlib.sha256(content).hexdigest()
            if not update and new[place] != sums.get(place):
                raise SystemExit(f"{place} is not the file in {LOCK.name}")
            (ROOT / place).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / place).write_bytes(content)
            print(f"{name} {library['version']}: {place}, {len(content):,} bytes")
    if update:
        LOCK.write_text(json.dumps({"libraries": libraries, "sha256": new}, indent=2) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
