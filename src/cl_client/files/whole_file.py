"""A file that is written whole or not at all, and what a process that was killed left of one."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import BinaryIO, Final

from cl_client.errors import ComputeClientError, DownloadError
from cl_client.files import file_lock

_LOCKS: Final = sys.platform != "win32"
_LONGEST: Final = 150
"""Bytes of the name of the target that the name of its part has; file systems end at 255."""


@contextlib.contextmanager
def whole_or_not_at_all(target: Path) -> Generator[BinaryIO]:
    """A file to write, which takes its place when the block ends well and is gone when it does not.

    Through a symbolic link, the file that it names is replaced, and the link stays. What a process that was killed left
    of the same file is used up.

    Raises:
        DownloadError: it cannot be written, or there is something that is not a file (a device would be replaced).
    """
    partial: Path | None = None
    try:
        target = replaceable(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial, descriptor = _part_of(target)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            if _LOCKS:
                # Before it is closed: the lock on it ends then.
                _put(partial, target)
        if not _LOCKS:
            _put(partial, target)
        partial = None
    except ComputeClientError:
        raise
    except OSError as error:
        raise DownloadError(
            f"cannot write {target}: {error.strerror or error}", hint="free some space, or give another place"
        ) from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)


def replaceable(target: Path) -> Path:
    """Where a file is to be written so that links stay links.

    Raises:
        DownloadError: there is something that is neither a file nor a folder.
        OSError: it cannot be looked at.
    """
    target = behind_links(target)
    if target.exists() and not target.is_file():
        raise DownloadError(f"cannot write {target}: it is not a file", hint="give another place")
    return target


def behind_links(path: Path) -> Path:
    """The file that a symbolic link names, there or not. Raises `OSError` where links lead in a circle."""
    if not path.is_symlink():
        return path
    # Python 3.13 leaves such a link as it is, earlier ones raise.
    with contextlib.suppress(RuntimeError):
        found = path.resolve()
        if not found.is_symlink():
            return found
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


@contextlib.contextmanager
def folder_beside(target: Path) -> Generator[Path]:
    """A folder beside the place that is meant, gone at the end, with what a process that was killed left in it.

    Raises:
        DownloadError: it cannot be made.
    """
    lock = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = _part_name(target)
        with contextlib.suppress(FileExistsError):
            folder.mkdir(0o700)
        lock = _held_folder(folder)
        if lock is None:
            folder = Path(tempfile.mkdtemp(prefix=f"{folder.stem}.", suffix=".part", dir=target.parent))
        else:
            for left in folder.iterdir():
                shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
    except OSError as error:
        raise DownloadError(f"cannot write {target}: {error.strerror or error}", hint="give another place") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _part_of(target: Path) -> tuple[Path, int]:
    """An empty file beside the target, and its descriptor: the one that a killed process left, where it is free."""
    path = _part_name(target)
    descriptor = _held_file(path)
    if descriptor is not None:
        return path, descriptor
    descriptor, name = tempfile.mkstemp(prefix=f"{path.stem}.", suffix=".part", dir=target.parent)
    return Path(name), descriptor


def _part_name(target: Path) -> Path:
    name = os.fsencode(target.name)[:_LONGEST].decode("utf-8", "ignore")
    return target.with_name(f".{name}.cl-client.part")


def _put(partial: Path, target: Path) -> None:
    partial.chmod(0o666 & ~_umask())
    partial.replace(target)


if sys.platform == "win32":

    def _held_file(path: Path) -> int | None:
        return None

    def _held_folder(path: Path) -> int | None:
        return None

else:

    def _held_file(path: Path) -> int | None:
        """The file, empty and held against other processes; `None` where another has it, or it is not ours."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
        except OSError:
            # What stands there is no file of ours. Whether anything can be written here, the next try finds out.
            return None
        if not _is_ours(descriptor, path, stat.S_ISREG):
            os.close(descriptor)
            return None
        os.ftruncate(descriptor, 0)
        return descriptor

    def _held_folder(path: Path) -> int | None:
        """As `_held_file`; what is in it stays."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        if not _is_ours(descriptor, path, stat.S_ISDIR):
            os.close(descriptor)
            return None
        return descriptor

    def _is_ours(descriptor: int, path: Path, kind: Callable[[int], bool]) -> bool:
        """Whether it is free, and still what has the name: who held it before may have moved it into its place."""
        if not file_lock.take(descriptor):
            return False
        try:
            held, named = os.fstat(descriptor), path.lstat()
        except OSError:
            return False
        # Otherwise, another user could make this process write to another file through a link.
        is_own = kind(held.st_mode) and held.st_uid == os.geteuid() and (held.st_nlink == 1 or kind is stat.S_ISDIR)
        return is_own and (held.st_dev, held.st_ino) == (named.st_dev, named.st_ino)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
