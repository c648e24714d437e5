"""Files of jobs in a local folder, and the choice between that and S3."""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Generator, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from starlette.concurrency import run_in_threadpool

from cl_ml_tools.file_storage import SavedFile, Upload
from cl_ml_tools.media.media_type import media_type
from cl_server.files import digests as digest_list
from cl_server.files.protocol import (
    JOB_ID,
    PIECE,
    Abandoned,
    FileEntry,
    JobStorage,
    Known,
    StorageUnavailableError,
    StoredFile,
    checked,
    finished,
)


def open_storage(data: Path, url: str | None, process: str) -> JobStorage:
    """The storage at a URL (`s3://bucket/prefix`), or by default in the data folder.

    `process` is the name of the process among those of the data folder. Raises `SettingsError` for an invalid URL.
    """
    if url is None:
        return LocalFileStorage(data)
    # Here, because it is an extra.
    from cl_server.files.s3 import S3FileStorage

    return S3FileStorage.at(url, scratch=data / "scratch" / process)


# The prefix of the folder of an attempt, before its token.
ATTEMPT = ".attempt-"


class LocalFileStorage:
    """`<base>/jobs/<job id>/input` and `…/output`."""

    def __init__(self, base_dir: Path) -> None:
        self.root = base_dir.absolute() / "jobs"
        self._databases = self.root.with_name("databases")
        # A storage that was used before and whose folder is missing is unavailable. A process that starts meanwhile
        # must not create another folder.
        if not self._databases.is_dir():
            self.root.mkdir(parents=True, exist_ok=True)
        self._aside = self.root.with_name("set-aside")

    def create_job_directory(self, job_id: str) -> Path:
        """Make the folders of a job."""
        folder = self._folder(job_id)
        # Without its parents: if the storage is unavailable, another one must not be created in its place.
        with self._there():
            folder.mkdir()
            self.get_input_path(job_id).mkdir()
            self.get_output_path(job_id).mkdir()
        return folder

    def get_input_path(self, job_id: str) -> Path:
        """The folder of the inputs."""
        return self._folder(job_id) / "input"

    def get_output_path(self, job_id: str) -> Path:
        """The folder of the outputs."""
        return self._folder(job_id) / "output"

    async def save_input_file(self, job_id: str, filename: str, file: Upload) -> SavedFile:
        """As `keep_input`, off the event loop."""
        return await run_in_threadpool(self.keep_input, job_id, filename, file.file)

    def keep_input(self, job_id: str, filename: str, file: BinaryIO) -> SavedFile:
        """Copy an upload, in pieces."""
        # A name is the server's choice, but this class does not have to believe that.
        path = self.get_input_path(job_id) / Path(filename).name
        with self._there():
            size, digest = _copy(file, path)
        return {"filename": path.name, "path": str(path), "size": size, "hash": digest}

    def cleanup_job(self, job_id: str) -> bool:
        """Remove the folder of a job."""
        folder = self._folder(job_id)
        if not folder.exists():
            self.check()
            return False
        # A worker may still write there, so the folder is emptied a second time.
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        return True

    def check(self) -> None:
        """Raises `StorageUnavailableError` if the folder doesn't exist."""
        if not self.root.is_dir():
            raise StorageUnavailableError(
                f"there is no folder {self.root}: bring it back; if its files are gone for good, make an empty one"
            )

    def check_settings(self) -> None:
        """The settings of a folder can't be wrong. A missing folder is unavailable."""

    def begin_attempt(self, job_id: str, token: int) -> "LocalWorkspace":
        """A new folder for what one attempt at a job writes."""
        if token > 1:
            self.clear_attempts(job_id, token)
        return LocalWorkspace(self, job_id, self._folder(job_id) / f"{ATTEMPT}{token}")

    def copy_inputs(self, job_id: str, to: str) -> bool:
        """Link the inputs of another job into a new one. Returns `False` if they no longer exist."""
        source = self.get_input_path(job_id)
        if self.is_missing(source):
            return False
        self.create_job_directory(to)
        for path in source.iterdir():
            os.link(path, self.get_input_path(to) / path.name)
        return True

    def mend_inputs(self, job_id: str, source: str) -> bool:
        """If a job has no inputs, give it those of `source`. Returns `False` if it has inputs."""
        inputs = self.get_input_path(job_id)
        if inputs.is_dir() and any(finished(inputs)):
            return False
        with self._there():
            self._folder(job_id).mkdir(exist_ok=True)
            self.get_output_path(job_id).mkdir(exist_ok=True)
        # Whole at once, for a worker may be about to look.
        part = inputs.with_name(".input")
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(self.get_input_path(source), part, copy_function=os.link)
        shutil.rmtree(inputs, ignore_errors=True)
        part.rename(inputs)
        return True

    def list_files(self, job_id: str) -> list[FileEntry]:
        """Everything that `find` finds of a job, sorted by path."""
        folder = self._folder(job_id)
        self.check()
        names = sorted(
            path.relative_to(folder).as_posix() for part in ("input", "output") for path in (folder / part).rglob("*")
        )
        noted = {part: digest_list.noted(folder / part) for part in ("input", "output")}
        found: list[FileEntry] = []
        for name in names:
            file = self.find(job_id, name)
            # Deleted, or replaced by another attempt, while we looked.
            with contextlib.suppress(FileNotFoundError):
                if file is not None:
                    part, _, below = name.partition("/")
                    path = Path(file.location)
                    digest = noted[part].get(below) or _digest(path, file.etag)
                    found.append(FileEntry(name, file.size, digest, media_type(path)))
        return found

    def find(self, job_id: str, relative: str) -> StoredFile | None:
        """A file of a job by its path relative to the job. `None` for anything that isn't a finished file there."""
        if not JOB_ID.fullmatch(job_id) or "\0" in relative:
            return None
        folder = self._folder(job_id)
        try:
            if self.is_missing(folder / relative):
                return None
            path = (folder / relative).resolve(strict=True)
            root = folder.resolve()
            found = path.stat()
        except StorageUnavailableError:
            raise
        except (OSError, ValueError):
            self.check()
            return None
        if not path.is_relative_to(root) or not path.is_file():
            return None
        # A leading dot is how a file is named that is still being written, or a folder of such files.
        if any(part.startswith(".") for part in path.relative_to(root).parts):
            return None
        return StoredFile(path.name, found.st_size, _entity_tag(found), str(path), path)

    def sha256(self, file: StoredFile) -> str:
        """The recorded SHA-256 of a file, in hexadecimal. Without a record, the file is read once."""
        path = Path(file.location)
        part = self.root.resolve().joinpath(*path.relative_to(self.root.resolve()).parts[:2])
        noted = digest_list.noted(part).get(path.relative_to(part).as_posix())
        return noted or _digest(path, file.etag)

    def read(self, file: StoredFile, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes of a file, in pieces."""
        left = (file.size if stop is None else stop) - start
        with Path(file.location).open("rb") as opened:
            opened.seek(start)
            while left > 0:
                piece = opened.read(min(PIECE, left))
                if not piece:
                    raise FileNotFoundError(f"{file.name} has become shorter")
                left -= len(piece)
                yield piece

    def job_ids(self) -> set[str]:
        """The jobs that have a folder."""
        return {folder.name for folder in self.root.iterdir() if JOB_ID.fullmatch(folder.name)}

    def sizes(self) -> dict[str, int]:
        """The bytes that the files of each job take, those of attempts that are under way too."""
        return {job_id: _everything(self._folder(job_id)) for job_id in self.job_ids()}

    def size_of(self, job_id: str) -> int:
        """The bytes that the files of a job take. Files that are deleted meanwhile count as 0."""
        return _everything(self._folder(job_id))

    @property
    def sees_attempts(self) -> bool:
        """It is."""
        return True

    def attempts_size(self, job_id: str) -> int:
        """The bytes of what attempts at a job have written."""
        return sum(_everything(path) for path in self._folder(job_id).glob(f"{ATTEMPT}*"))

    def clear_attempts(self, job_id: str, before: int | None = None) -> None:
        """Remove what attempts at a job left whose workers died: those before a token, or all."""
        with contextlib.suppress(OSError):
            for path in self._folder(job_id).iterdir():
                token = path.name.removeprefix(ATTEMPT)
                if path.name.startswith(ATTEMPT) and token.isdecimal() and (before is None or int(token) < before):
                    shutil.rmtree(path, ignore_errors=True)

    @property
    def place(self) -> str:
        """Where the files are, for people."""
        return str(self.root)

    @property
    def databases_place(self) -> str:
        """The place of the list of databases that used this storage, for messages."""
        return str(self._databases)

    def databases(self) -> set[str]:
        """The ids of the databases that have used this storage."""
        return {path.name for path in self._databases.iterdir()} if self._databases.is_dir() else set()

    def add_database(self, database_id: str) -> None:
        """Keep that this one has."""
        self._databases.mkdir(exist_ok=True)
        (self._databases / checked(database_id)).touch()

    def abandoned(self, known: Known) -> Abandoned:
        """The jobs that have a folder and are not known. Ask only while no upload comes in: see `orphaned_files.py`."""
        there = known.job_ids()
        found = self.job_ids()
        return Abandoned(sorted(found - there), len(found))

    def bring_back(self, known: Known) -> int:
        """Give jobs their files back that were set aside; returns how many."""
        aside = sorted(self._aside.iterdir()) if self._aside.is_dir() else []
        there = known.job_ids() if aside else set[str]()
        lost = [folder for folder in aside if folder.name in there and not self._folder(folder.name).exists()]
        for folder in lost:
            folder.rename(self._folder(folder.name))
        return len(lost)

    def set_aside(self, jobs: Sequence[str]) -> Path:
        """Move the folders of jobs out of the way, to where `bring_back` finds them."""
        self._aside.mkdir(exist_ok=True)
        for job_id in jobs:
            target = self._aside / checked(job_id)
            # Files that were set aside earlier are older than the current ones.
            shutil.rmtree(target, ignore_errors=True)
            self._folder(job_id).rename(target)
        return self._aside

    def _folder(self, job_id: str) -> Path:
        return self.root / checked(job_id)

    @contextlib.contextmanager
    def _there(self) -> Generator[None]:
        """If a file that was just written is missing, the whole storage was unavailable, even if it is back already."""
        try:
            yield
        except FileNotFoundError as error:
            raise StorageUnavailableError(f"the folder {self.root} was unavailable for a moment") from error

    def is_missing(self, path: Path) -> bool:
        """Whether a path is missing while the storage is available. If it was unavailable meanwhile, look again.

        Raises `StorageUnavailableError`.
        """
        if path.exists():
            return False
        self.check()
        return not path.exists()


class LocalWorkspace:
    """Inputs are read where they lie; outputs are written beside them, and renamed."""

    def __init__(self, storage: LocalFileStorage, job_id: str, folder: Path) -> None:
        self.inputs = storage.get_input_path(job_id)
        self.outputs = folder
        self._storage = storage
        self._published = storage.get_output_path(job_id)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            folder.mkdir()
        except FileNotFoundError as error:
            if storage.is_missing(folder.parent):
                raise
            raise StorageUnavailableError(f"the folder {folder.parent} was unavailable for a moment") from error

    def hand_in(self) -> None:
        """Record the digests. The files are already in their place."""
        digests = ((path.relative_to(self.outputs).as_posix(), _sha256(path)) for path in finished(self.outputs))
        digest_list.note(self.outputs, digests)

    def publish(self) -> None:
        """Rename them."""
        # Done already, in a transaction that did not come to its end.
        if self._storage.is_missing(self.outputs):
            return
        # There is something only if a worker died after it published and before that was written down.
        if self._published.exists() and any(self._published.iterdir()):
            shutil.rmtree(self._published)
        # Onto a folder that is empty, this is one step (rename(2)).
        self.outputs.rename(self._published)

    def close(self) -> None:
        """Remove unpublished files."""
        shutil.rmtree(self.outputs, ignore_errors=True)


def _copy(file: BinaryIO, path: Path) -> tuple[int, str]:
    """Bytes and SHA-256."""
    content = hashlib.sha256()
    size = 0
    with path.open("xb") as target:
        while piece := file.read(PIECE):
            content.update(piece)
            size += target.write(piece)
    digest = content.hexdigest()
    digest_list.note(path.parent, [(path.name, digest)])
    return size, digest


def _everything(folder: Path) -> int:
    """The bytes of all files in a folder, without our own records. Files that are deleted meanwhile count as 0."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            if not name.startswith("."):
                with contextlib.suppress(OSError):
                    total += Path(place, name).lstat().st_size
    return total


def _entity_tag(found: os.stat_result) -> str:
    """A strong validator: outputs appear whole, by a rename, so inode, size and time name one content."""
    seed = f"{found.st_ino}-{found.st_size}-{found.st_mtime_ns}"
    return f'"{hashlib.blake2b(seed.encode(), digest_size=12).hexdigest()}"'


@lru_cache(maxsize=4096)
def _digest(path: Path, tag: str) -> str:
    """The SHA-256. `tag` identifies the content, so that no file is read twice."""
    del tag
    return _sha256(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
