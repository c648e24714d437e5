"""The basis of generated commands: their common options, and their interface to the command line.

Light, because the help of every command imports it. Annotations are not strings here: cyclopts reads them.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, Protocol, TypeVar, cast

from attrs import frozen
from cyclopts import Group, Parameter
from cyclopts.validators import Number

from cl_client.errors import InvalidParameterError
from cl_client.runtime.place import Place
from cl_client.runtime.view import View

if TYPE_CHECKING:
    from cl_client.http.upload import FileInput
    from cl_client.jobs.collection import Job, Jobs
    from cl_client.wire.types import JSONValue, Unset

Output = TypeVar("Output")
Value = TypeVar("Value")

_PLAIN = View()
_JOB = Group("Options of the job", sort_key=10)


class Bounds(NamedTuple):
    """The bounds of an option, with the names of JSON Schema (validation, 2020-12, §6). They are for `--schema`; the
    typed method checks them."""

    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    exclusive_maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None


class Entry(NamedTuple):
    """A command, before its module is imported.

    Attributes:
        name: the first word, such as `image-conversion`.
        target: where the app is, as `module:attribute`.
        help: one line.
    """

    name: str
    target: str
    help: str


@Parameter(name="*", group=_JOB)
@frozen(kw_only=True, repr=False)
class PlainJobOptions:
    """The options of every command that submits a job.

    Attributes:
        watch: Show the progress.
        wait: Wait until the job has ended. Otherwise, return when it is queued.
        output: The place of the result: a file, a folder, or stdout. Several files always go into a folder.
        output_dir: The folder for the results of many files, and for the journal of `resume`.
        concurrency: The number of files at the same time. Default: that of `Lanes`.
        resume: Process only the files that an earlier run with the same `output_dir` left.
        overwrite: Whether results can replace existing files, including inputs.
        timeout: Seconds to wait. Default: no limit.
        include, exclude: Patterns for files in folders and patterns. They match names, or with a slash, paths below the
            folder.
        dry_run: Only list the files.
    """

    watch: Annotated[bool, Parameter(negative="", help="Show the progress.", show_default=False)] = False
    wait: Annotated[
        bool, Parameter(help="Wait for the result. --no-wait prints the job id and exits.", show_default=False)
    ] = True
    output: Annotated[
        Place | None,
        Parameter(
            name=("--output", "-o"),
            help="Write the result to a file, a folder/, or - for stdout.",
            metavar="PATH",
        ),
    ] = None
    output_dir: Annotated[
        Path | None, Parameter(help="Write the results of many files to this folder.", metavar="FOLDER")
    ] = None
    concurrency: Annotated[
        int | None,
        Parameter(
            help="Process N files at a time. Default: 64, of which at most 16 have more than 64 KiB.",
            metavar="N",
            validator=Number(gte=1, lte=1000),
        ),
    ] = None
    resume: Annotated[
        bool,
        Parameter(negative="", help="Continue an earlier run with the same --output-dir.", show_default=False),
    ] = False
    overwrite: Annotated[
        bool,
        Parameter(negative="", help="Replace existing files.", show_default=False),
    ] = False
    timeout: Annotated[
        float | None,
        Parameter(
            help="Stop waiting after this time. The job keeps running.",
            metavar="SECONDS",
            validator=Number(gt=0),
        ),
    ] = None
    include: Annotated[
        list[str] | None,
        Parameter(help="In folders, process only files that match, such as '*.jpg'.", metavar="PATTERN", negative=()),
    ] = None
    exclude: Annotated[
        list[str] | None, Parameter(help="In folders, skip files that match.", metavar="PATTERN", negative=())
    ] = None
    dry_run: Annotated[
        bool, Parameter(negative="", help="List the files without processing them.", show_default=False)
    ] = False


@Parameter(name="*", group=_JOB)
@frozen(kw_only=True, repr=False)
class JobOptions(PlainJobOptions):
    """The same for a server with priorities.

    Attributes:
        priority: 0 (lowest) to 10 (highest). Default: that of the server.
    """

    priority: Annotated[
        int | None,
        Parameter(help="0 (lowest) to 10 (highest).", metavar="0-10"),
        Bounds(minimum=0, maximum=10),
    ] = None


@Parameter(name="*", group=_JOB)
@frozen(kw_only=True, repr=False)
class LabelledJobOptions(JobOptions):
    """The same for a server with labels.

    Attributes:
        label: The labels, each as `name=value`.
    """

    label: Annotated[
        list[str] | None,
        Parameter(help="Label the job, to find it with `jobs list --label`.", metavar="NAME=VALUE", negative=()),
    ] = None

    @property
    def labels(self) -> "dict[str, str] | None":
        """The labels by their names.

        Raises:
            InvalidParameterError: one is written in another way.
        """
        return labels_of(self.label)


class JobRunner(Protocol):
    """Runs jobs for commands; the command line gives one to each command that it calls."""

    def job(
        self,
        files: Sequence[Place] | None,
        method: "Callable[[Jobs], Callable[..., Awaitable[Job[Output]]]]",
        options: PlainJobOptions,
        view: View = _PLAIN,
    ) -> None:
        """Submit a job for each file, follow them, fetch their results and print them.

        Args:
            files: The inputs: files, folders, patterns, URLs and stdin. `None` for a job without a file.
            method: Returns the typed method with its parameters, for the jobs of a client.
            options: The options of the command.
            view: How the results are shown.
        """
        ...


def labels_of(written: Sequence[str] | None) -> "dict[str, str] | None":
    """Labels as methods take them; of two with the same name, the last one counts.

    Raises:
        InvalidParameterError: one isn't written as `name=value`.
    """
    labels: dict[str, str] = {}
    for label in written or ():
        name, sign, value = label.partition("=")
        if not sign or not name:
            raise InvalidParameterError(f"--label has to be NAME=VALUE, not {label!r}")
        labels[name] = value
    return labels or None


def given(value: Value | None) -> "Value | Unset":
    """The value of an option for a generated method. `None` isn't sent."""
    from cl_client.wire.types import UNSET

    return UNSET if value is None else value


def source(place: Place) -> "FileInput":
    """The input for a place on the command line: a path, a URL as text, or stdin."""
    if place.is_standard:
        from cl_client.files.standard_input import standard_input
        from cl_client.http.upload import Upload

        return Upload(standard_input(), file_name="stdin")
    return place.text if place.is_url else Path(place)


def by_suffix(name: str, value: Value | None, output: Path | None, choices: "Sequence[Value]") -> Value:
    """The option for the format of a result. By default, the suffix of `--output` selects it.

    Raises:
        InvalidParameterError: Neither of them selects a format.
    """
    if value is not None:
        return value
    suffix = "" if output is None else output.suffix[1:].lower()
    spelt = {"jpeg": "jpg", "jpg": "jpeg", "tif": "tiff", "tiff": "tif"}.get(suffix)
    for choice in choices:
        if choice in (suffix, spelt):
            return choice
    raise InvalidParameterError(
        f"the format is missing: add {name}, which is one of {', '.join(map(str, choices))}",
        hint=f"or name a file with its suffix: -o result.{choices[0]}",
    )


def json_option(name: str, text: str | None) -> "JSONValue":
    """Read an option that is JSON. Returns `None` without the option.

    Raises:
        InvalidParameterError: The value isn't JSON.
    """
    try:
        return None if text is None else cast("JSONValue", json.loads(text))
    except ValueError as error:
        raise InvalidParameterError(f"{name} has to be JSON: {error}") from None


def read_option(name: str, text: str, read: "Callable[[JSONValue], Value]") -> Value:
    """Read an option that is JSON into the model of the server.

    Raises:
        InvalidParameterError: The value isn't JSON, or lacks a field.
    """
    try:
        return read(json_option(name, text))
    except KeyError as missing:
        raise InvalidParameterError(f"{name} lacks {missing}") from None
    except InvalidParameterError:
        raise
    except (TypeError, ValueError, AttributeError) as error:
        raise InvalidParameterError(f"{name} does not match the schema of the server: {error}") from None
