"""The files that results never replace: inputs, and other files of the user in the output folder.

A conflict that is known beforehand is an error before anything is sent. If only the server knows the names of its
files, the check happens when the result arrives.
"""

from __future__ import annotations

import filecmp
import functools
import mimetypes
import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from attrs import frozen

from cl_client.errors import DownloadError, InvalidParameterError
from cl_client.files.local_names import folded
from cl_client.files.whole_file import behind_links, replaceable
from cl_client.runtime.place import Place, local

if TYPE_CHECKING:
    from cl_client.batch.journal import Journal

OVERWRITE: Final = "--overwrite replaces existing files"
_FORMATS: Final = frozenset({"format", "output_format", "format_"})
_SAME: Final = (frozenset({".jpg", ".jpeg"}), frozenset({".tif", ".tiff"}))
_NAMED: Final = 3


@frozen
class Suffixes:
    """How the file that a job makes may end, as far as is known before.

    Attributes:
        known: those that it may have; any, when not given.
        pictures: whether it is a picture.
    """

    known: frozenset[str] | None = None
    pictures: bool = False

    @classmethod
    def of(cls, method: object, *, pictures: bool) -> Suffixes:
        """Those of a typed method with its parameters bound."""
        parameters: dict[str, object] = {}
        while isinstance(method, functools.partial):
            bound = cast("functools.partial[object]", method)
            parameters, method = {**bound.keywords, **parameters}, bound.func
        plugin: object = getattr(method, "__self__", None)
        if getattr(plugin, "artifact", "") is None:
            return cls(frozenset({".json"}))
        for name in _FORMATS & parameters.keys():
            if isinstance(value := parameters[name], str) and value.isalnum():
                return cls(same_as(f".{value.lower()}"))
        return cls(pictures=pictures)

    def may_be(self, suffix: str) -> bool:
        """Whether a result may end like that."""
        if self.known is not None:
            return suffix.lower() in self.known
        if self.pictures:
            return (mimetypes.guess_type(f"x{suffix}")[0] or "image/").startswith("image/")
        return True


def same_as(suffix: str) -> frozenset[str]:
    """The suffixes of the same kind of file."""
    return next((same for same in _SAME if suffix in same), frozenset({suffix}))


def check_suffix(output: Path, suffixes: Suffixes) -> None:
    """Check that the suffix of an output path fits the type of the result.

    Raises:
        InvalidParameterError: it is that of another kind of file.
    """
    known = suffixes.known
    if output.suffix and known is not None and ".json" not in known and not suffixes.may_be(output.suffix):
        right = output.with_suffix(min(known, key=len))
        raise InvalidParameterError(
            f"the result is a {right.suffix[1:]} file, and {output} has another suffix", hint=f"-o {right}"
        )


def names_folder(output: Place) -> bool:
    """Whether results go into it, under names of their own."""
    return output.names_folder or output.is_dir()


class Originals:
    """The files that were sent, however they are named: through links, and in other cases.

    Args:
        files: of the command.
        overwrite: whether whatever is there may be replaced.
    """

    def __init__(self, files: Iterable[Path | None], *, overwrite: bool) -> None:
        self._overwrite = overwrite
        here = [place for file in files if (place := local(file)) is not None]
        self._known = {known for file in here if (known := _identity(file)) is not None}

    def check_output(self, output: Place, name: str, suffixes: Suffixes) -> None:
        """Hold the place for the result of one file against all that is known before anything is sent.

        Args:
            output: a file or a folder.
            name: of the file that is sent.
            suffixes: of the result.

        Raises:
            InvalidParameterError: the result would replace the file, or has another suffix, or cannot be there.
        """
        self.check_file(output)
        if names_folder(output):
            self.check_folder(output, name, suffixes)
        else:
            check_suffix(output, suffixes)

    def check_file(self, output: Path) -> None:
        """Check that an output path is not one of the originals, before anything is sent.

        Raises:
            InvalidParameterError: it is one of them, or a place that is no file and no folder.
        """
        if not output.exists() and output.is_symlink():
            self._check_link(output)
        if not output.exists() or output.is_dir():
            return
        if not output.is_file():
            raise InvalidParameterError(
                f"cannot write {output}: it is a device or a pipe, and would be replaced by a file",
                hint="name a file or a folder, or write to stdout with -o -",
            )
        if not self._overwrite and _identity(output) in self._known:
            raise InvalidParameterError(f"{output} is the file that is sent: give the result another name; {OVERWRITE}")

    def _check_link(self, output: Path) -> None:
        try:
            behind_links(output)
        except OSError as error:
            raise InvalidParameterError(f"cannot write {output}: {error.strerror or error}") from error

    def check_folder(self, folder: Path, name: str, suffixes: Suffixes) -> None:
        """Hold a folder for the result of one file against it, before anything is sent.

        Raises:
            InvalidParameterError: the result would be called as the file that is sent.
        """
        if suffixes.known is None or self._overwrite:
            return
        for suffix in suffixes.known:
            place = folder / f"{Path(name).stem}{suffix}"
            if _identity(place) in self._known:
                raise InvalidParameterError(
                    f"the result would be called as the file that is sent, {place}: give another folder; {OVERWRITE}"
                )

    def holds(self, path: Path) -> bool:
        """Whether that is a file that was sent."""
        return _identity(path) in self._known

    def check_drawing(self, target: Path) -> None:
        """Hold the place of what is drawn of a result against the originals.

        Raises:
            DownloadError: it is one of them.
        """
        if not self._overwrite and self.holds(target):
            raise DownloadError(f"{target} is a file that was sent, and is not replaced", hint=OVERWRITE)

    def put(self, part: Path, target: Path, *, ours: bool = False) -> Path:
        """Move a file of a result into its place.

        Args:
            part: beside it.
            target: where it goes; through a link, what that names is replaced.
            ours: whether an existing file is a result of ours.

        Raises:
            DownloadError: something else is there, or it cannot be written.
        """
        try:
            target = replaceable(target)
            target.parent.mkdir(parents=True, exist_ok=True)
            free = self._overwrite or not target.exists()
            if not free and (self.holds(target) or not (ours or _is_same(part, target))):
                raise DownloadError(
                    f"{target} is there already, and is not replaced", hint=f"give another place; {OVERWRITE}"
                )
            part.replace(target)
        except OSError as error:
            raise DownloadError(f"cannot write {target}: {error.strerror or error}") from error
        return target

    def free(self, part: Path, target: Path) -> Path:
        """The path for a result in a folder of many; a number distinguishes it from existing files."""
        if self._overwrite:
            return target
        number, place = 1, target
        while os.path.lexists(place) and (self.holds(place) or not _is_same(part, place)):
            number += 1
            place = target.with_name(f"{target.stem} ({number}){target.suffix}")
        return place


class ResultFolder:
    """The folder of the results of many files, with the journal that says which of the files in it are ours.

    Args:
        folder: where they go.
        journal: of the batch, before it is cleared.
        originals: of the command.
        overwrite: as of `Originals`.
    """

    def __init__(self, folder: Path, journal: Journal, originals: Originals, *, overwrite: bool) -> None:
        self._folder = folder
        self._journal = journal
        self._originals = originals
        self._overwrite = overwrite

    def check(self, expected: Sequence[tuple[Path, Suffixes]], *, resume: bool) -> None:
        """Check that no result would replace an existing file, before anything is sent.

        Args:
            expected: the name of each result, without its suffix.
            resume: whether this continues an earlier run, whose results are then checked one by one.

        Raises:
            InvalidParameterError: something would be replaced that is no result of ours.
        """
        if self._overwrite:
            return
        there = _Listing(self._folder)
        clashes = [
            path
            for name, suffixes in expected
            for path in there.like(self._folder / name, suffixes)
            if self._originals.holds(path) or not (resume or self.is_ours(path))
        ]
        if clashes:
            more = f" and {len(clashes) - _NAMED} more" if len(clashes) > _NAMED else ""
            named = ", ".join(str(path) for path in clashes[:_NAMED])
            raise InvalidParameterError(
                f"results would take the place of {named}{more}: give another --output-dir; {OVERWRITE}"
            )

    def is_ours(self, path: Path) -> bool:
        """Whether that is a result of an earlier run, as it left it."""
        found = _stat(path)
        kept = self._journal.results.get(os.path.relpath(path, self._folder))
        return found is not None and kept == (found.st_size, found.st_mtime_ns)

    def put(self, part: Path, target: Path) -> Path:
        """Move a file of a result into its place; as `Originals.put`."""
        ours = self.is_ours(target)
        found = part.stat()
        if ours or not os.path.lexists(target):
            # Before it is there: after a kill in between, it counts as a result of ours.
            self._journal.result(os.path.relpath(target, self._folder), found.st_size, found.st_mtime_ns)
        return self._originals.put(part, target, ours=ours)


class _Listing:
    """The files below a folder, by how they are called without their suffix."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: dict[Path, Mapping[str, Collection[str]]] = {}

    def like(self, stem: Path, suffixes: Suffixes) -> Iterable[Path]:
        """Those that a result may be called like."""
        if stem.parent not in self._folders:
            self._folders[stem.parent] = _by_stem(stem.parent)
        for name in self._folders[stem.parent].get(folded(stem.name), ()):
            suffix = Path(name).suffix if folded(name) != folded(stem.name) else ""
            # Where the case of names counts, only the very same name is the same file.
            place = stem.with_name(f"{stem.name}{suffix}")
            if suffix and suffixes.may_be(suffix) and os.path.lexists(place):
                yield place


def _by_stem(folder: Path) -> Mapping[str, Collection[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError:
        return found
    for name in names:
        found[folded(Path(name).stem)].append(name)
    return found


def _identity(path: Path) -> tuple[int, int] | None:
    found = _stat(path)
    return None if found is None else (found.st_dev, found.st_ino)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _is_same(part: Path, place: Path) -> bool:
    try:
        return place.is_file() and filecmp.cmp(part, place, shallow=False)
    except OSError:
        return False


Put = Callable[[Path, Path], Path]
"""Moves a file of a result into its place."""
