"""What a generated command stands on: the options that all of them share, and what they ask of the command line.

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


@frozen(kw_only=True)
class Bounds:
    """What a value of an option has to keep to, as JSON Schema (validation, 2020-12, §6) names it. It stands beside the
    option for those who read what a command takes; the typed method checks it."""

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
@frozen(kw_only=True)
class PlainJobOptions:
    """The options of every command that submits a job.

    Attributes:
        watch: show the progress while it runs.
        wait: come back when the job has ended, rather than when it is queued.
        output: where the result goes: a file, a folder (which one of several files is made into), or stdout.
        output_dir: the folder for the results of many files, and for the journal by which `resume` goes on.
        concurrency: files at once; when not given, as `Lanes` has it.
        resume: do only what an earlier run with the same `output_dir` left.
        overwrite: whether results may replace whatever is where they go, the files that are sent too.
        timeout: seconds to wait; as long as it takes when not given.
        include, exclude: patterns for the files of folders and patterns: of their names, or with a slash of their paths
            below the folder.
        dry_run: only list the files.
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
@frozen(kw_only=True)
class JobOptions(PlainJobOptions):
    """The same where the server takes a priority.

    Attributes:
        priority: 0 to 10; the server's default when not given.
    """

    priority: Annotated[
        int | None,
        Parameter(help="0 (lowest) to 10 (highest).", metavar="0-10"),
        Bounds(minimum=0, maximum=10),
    ] = None


@Parameter(name="*", group=_JOB)
@frozen(kw_only=True)
class LabelledJobOptions(JobOptions):
    """The same where jobs can have labels.

    Attributes:
        label: each as `name=value`.
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
            files: what the jobs are about, folders, patterns, URLs and stdin among them; `None` for a job that needs no
                file.
            method: gives the typed method with its parameters bound; given the jobs of a client.
            options: of the command.
            view: how the results are shown.
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
    """An option as generated methods take it: what was not given is not sent."""
    from cl_client.wire.types import UNSET

    return UNSET if value is None else value


def source(place: Place) -> "FileInput":
    """What is sent, where a command line names it: a path, a URL as text, or stdin."""
    if place.is_standard:
        from cl_client.files.standard_input import standard_input
        from cl_client.http.upload import Upload

        return Upload(standard_input(), file_name="stdin")
    return place.text if place.is_url else Path(place)


def by_suffix(name: str, value: Value | None, output: Path | None, choices: "Sequence[Value]") -> Value:
    """An option for the format of a result, which the suffix of `--output` says where it is not given.

    Raises:
        InvalidParameterError: neither says it.
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
    """An option that is written as JSON; `None` where it was not given.

    Raises:
        InvalidParameterError: it is not JSON.
    """
    try:
        return None if text is None else cast("JSONValue", json.loads(text))
    except ValueError as error:
        raise InvalidParameterError(f"{name} has to be JSON: {error}") from None


def read_option(name: str, text: str, read: "Callable[[JSONValue], Value]") -> Value:
    """An option that is written as JSON, as the model that the server wants there.

    Raises:
        InvalidParameterError: it is not JSON, or something is missing in it.
    """
    try:
        return read(json_option(name, text))
    except KeyError as missing:
        raise InvalidParameterError(f"{name} lacks {missing}") from None
    except InvalidParameterError:
        raise
    except (TypeError, ValueError, AttributeError) as error:
        raise InvalidParameterError(f"{name} is not what the server wants there: {error}") from None
