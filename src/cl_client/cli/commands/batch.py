"""`cl-client batch`: the jobs in a file, each with its own command."""

# Annotations are not strings here: cyclopts reads them.
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar, cast

from cyclopts import App, CycloptsError, Parameter
from cyclopts.validators import Number

from cl_client.cli.running.run import Run
from cl_client.errors import InputNotFoundError, InvalidParameterError
from cl_client.runtime.command import JobOptions, LabelledJobOptions, Place, PlainJobOptions
from cl_client.runtime.view import View

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from cl_client.cli.program import Program
    from cl_client.cli.running.batch_command import Bind, Task
    from cl_client.jobs.collection import Job, Jobs
    from cl_client.wire.types import JSONValue

Output = TypeVar("Output")

_PLAIN = View()


app = App(name="batch", help="Run the jobs that a file lists.")


@app.command(name="submit", show=False)
@app.default
def batch(
    jobs: Annotated[
        Place,
        Parameter(
            help='A file, or - for stdin. Each line is {"command": "hash compute", "file": "a.jpg", "parameters": {}}.',
        ),
    ],
    /,
    *,
    output_dir: Annotated[Path | None, Parameter(help="Write the results to this folder.", metavar="FOLDER")] = None,
    concurrency: Annotated[
        int | None,
        Parameter(
            help="Process N files at a time. Default: 64, of which at most 16 have more than 64 KiB.",
            metavar="N",
            validator=Number(gte=1, lte=1000),
        ),
    ] = None,
    resume: Annotated[
        bool,
        Parameter(negative="", help="Continue an earlier run with the same --output-dir.", show_default=False),
    ] = False,
    overwrite: Annotated[
        bool,
        Parameter(negative="", help="Replace existing files.", show_default=False),
    ] = False,
    watch: Annotated[bool, Parameter(negative="", help="Show the progress.", show_default=False)] = False,
    timeout: Annotated[
        float | None,
        Parameter(
            help="Stop waiting for a job after this time. The job keeps running.",
            metavar="SECONDS",
            validator=Number(gt=0),
        ),
    ] = None,
    run: Annotated[Run, Parameter(parse=False)],
) -> None:
    """Run the jobs that a file lists: a JSON object on each line, or one JSON array of them.

    `command` is a command of a plugin, `file` its input (relative to the current folder), and `parameters` its options:
    {"command": "image-conversion convert", "file": "a.png", "parameters": {"format": "webp", "priority": 9}}

    `parameters` may contain `labels` for the job: {"labels": {"album": "summer"}}
    """
    from cl_client.cli.running.batch_command import Many
    from cl_client.cli.views.viewer import Viewer

    tasks = read_tasks(jobs, run.program)
    options = PlainJobOptions(
        output_dir=output_dir,
        concurrency=concurrency,
        resume=resume,
        overwrite=overwrite,
        watch=watch,
        timeout=timeout,
    )
    run.complete(Many(run, tasks, options, Viewer(run.console)).execute())


def read_tasks(path: Place, program: "Program") -> "list[Task]":
    """Read the jobs of a file, as the command line reads them.

    Raises:
        InputNotFoundError: The file does not exist.
        InvalidParameterError: A job is invalid. The message names its place.
    """
    source = "stdin" if path.is_standard else str(path)
    try:
        text = sys.stdin.read() if path.is_standard else path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputNotFoundError(f"{source} does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidParameterError(f"cannot read {source}: {error}") from error
    collector = _Collector(program)
    for place, job in _jobs(text):
        try:
            collector.take(_tokens(job, program))
        except (CycloptsError, InvalidParameterError) as error:
            raise InvalidParameterError(f"{source}, {place}: {error}") from error
    if not collector.tasks:
        raise InvalidParameterError(f"{source} contains no jobs")
    return collector.tasks


class _Collector:
    """A `JobRunner` that keeps the jobs of commands instead of running them."""

    def __init__(self, program: "Program") -> None:
        from cl_client.cli.app import assemble

        self.tasks: list[Task] = []
        self._app = assemble(program)

    def take(self, tokens: Sequence[str]) -> None:
        """Have a command line say what its job would be."""
        command, bound, ignored = self._app.parse_args(tokens, print_error=False, exit_on_error=False)
        command(*bound.args, **bound.kwargs, **dict.fromkeys(ignored, self))

    def job(
        self,
        files: Sequence[Place] | None,
        method: "Callable[[Jobs], Callable[..., Awaitable[Job[Output]]]]",
        options: PlainJobOptions,
        view: View = _PLAIN,
    ) -> None:
        from cl_client.cli.running.batch_command import Task

        plain: PlainJobOptions
        match options:
            case LabelledJobOptions():
                plain = LabelledJobOptions(priority=options.priority, label=options.label)
            case JobOptions():
                plain = JobOptions(priority=options.priority)
            case _:
                plain = PlainJobOptions()
        if options != plain or view != type(view)():
            raise InvalidParameterError("output options are for the whole batch, not for one line")
        self.tasks.append(Task(files[0] if files else None, cast("Bind", method)))


def _jobs(text: str) -> "Iterator[tuple[str, JSONValue]]":
    """The entries of the file with their places. Invalid JSON is `None`."""
    whole = _parsed(text)
    if isinstance(whole, list):
        yield from ((f"job {number}", job) for number, job in enumerate(whole, 1))
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield f"line {number}", _parsed(line)


def _parsed(text: str) -> "JSONValue":
    try:
        return cast("JSONValue", json.loads(text))
    except ValueError:
        return None


def _tokens(said: "JSONValue", program: "Program") -> list[str]:
    """A job as one would type it."""
    try:
        job = cast("dict[str, JSONValue]", said)
        command, file, parameters = job.pop("command"), job.pop("file", None), job.pop("parameters", {})
    except (KeyError, AttributeError, TypeError):
        raise InvalidParameterError('expected an object such as {"command": "hash compute", "file": "a.jpg"}') from None
    if job or not isinstance(command, str) or not isinstance(file, str | None) or not isinstance(parameters, dict):
        raise InvalidParameterError('"command" and "file" have to be strings, "parameters" an object, and nothing else')
    if file == "":
        raise InvalidParameterError('"file" is an empty string')
    words = command.split()
    if len(words) != 2 or words[0] not in {entry.name for entry in program.plugins}:
        raise InvalidParameterError(f'{command!r} is not a command of a plugin, such as "hash compute"')
    labels = parameters.pop("labels", None)
    options = [token for name, value in parameters.items() for token in _option(name, value)]
    if labels is not None:
        options += _labels(labels)
    return [*words, *options, *(["--", file] if file is not None else [])]


def _labels(labels: "JSONValue") -> list[str]:
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        raise InvalidParameterError('"labels" has to be an object of strings, such as {"album": "summer"}')
    return [f"--label={name}={value}" for name, value in labels.items()]


def _option(name: str, value: "JSONValue") -> list[str]:
    flag = name.replace("_", "-")
    match value:
        case None:
            return []
        case bool():
            return [f"--{flag}" if value else f"--no-{flag}"]
        case str():
            return [f"--{flag}={value}"]
        case _:
            return [f"--{flag}={json.dumps(value)}"]
