"""Jobs, recognised by what they are: a POST whose answer has an id, and a GET that takes it and says how it stands.

Each rule that leads from one to the other is a function with a name and a sentence; `RULES` is the list of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Final

from attrs import frozen

from cl_codegen.model.job_answer import (
    Words,
    at,
    has_any_id,
    id_among,
    id_of,
    lives,
    places_of,
    same,
    status_of,
    words_in,
)
from cl_codegen.model.vocabulary import LINKS, located, success
from cl_codegen.spec.spec import Node

PARAMETER: Final = re.compile(r"\{([^{}]*)\}")
STATES: Final = frozenset(["status", "state", "poll", "progress", "info"])
"""Steps of a path that only say that it is about how something stands."""

ACTIONS: Final = frozenset(
    [
        *("cancel", "stop", "abort", "terminate", "kill", "dismiss", "retry", "rerun", "restart", "replay", "resume"),
        *("pause", "delete", "archive", "reschedule", "retry_webhook"),
    ]
)
"""Last steps of paths that do something to a job that is there."""

VERBS: Final = frozenset(["submit", "create", "start", "run", "new", "execute", "execution", "async", "trigger"])
"""Last steps of paths that say no more than that something is posted there."""

_PLAIN_IDS: Final = frozenset(["id", "uuid", "key", "name", "slug"])
_JOB_IDS: Final = frozenset(["jobid", "taskid"])
_JOBS: Final = re.compile(r"/(?:[^{}]+/)?(?:jobs?|tasks?)/\{[^{}]+\}(?:/[^{}/]+)?/?")

Operations = Mapping[str, tuple[str, str, Node]]
"""Path, method and operation, by operation id."""


@frozen
class Asked:
    """A GET that takes the id of something, and says how it stands.

    Attributes:
        path: of it, with the parameter that takes the id.
        status: the field that says it.
        is_life: whether its words are beyond doubt those of a job.
    """

    operation: str
    path: str
    parameter: str
    answer: Node
    status: str
    is_life: bool


@frozen
class Posted:
    """A POST that may create a job."""

    operation: str
    path: str
    answer: Node
    address: str | None = None
    """Where its answer has the address to ask for the job, if it has no id."""

    @cached_property
    def words(self) -> Words:
        """What of its answer may be an id; each GET is held against it."""
        return words_in(self.answer)


@frozen
class Recognised:
    """A job: where it is posted, where it is asked for, and why that is believed.

    Attributes:
        job_id: the field of the answer to the POST with its id.
        reasons: each a sentence.
    """

    posted: Posted
    asked: Asked
    job_id: str
    reasons: tuple[str, ...]

    @property
    def is_sure(self) -> bool:
        """Whether that may be believed without being told."""
        is_job = same(self.job_id.rpartition(".")[2]) in _JOB_IDS and is_named(self.posted, self.asked)
        return self.asked.is_life or is_job


@frozen
class Doubtful:
    """A POST that looks as if it created a job, and what is missing."""

    posted: Posted
    missing: str


def recognise(operations: Operations) -> tuple[Recognised, ...]:
    """The jobs of a normalised spec, in its order."""
    asked = list(askable(operations))
    found = (best(posted, asked) for posted in postable(operations) if not _is_action(posted, asked))
    return tuple(one for one in found if one is not None and one.is_sure)


def doubtful(operations: Operations, known: frozenset[str]) -> Iterator[Doubtful]:
    """What is no job for want of something, though its answer has an id and a state, an id with a job's name or an
    address to ask, or is an id alone where the server has jobs."""
    asked = list(askable(operations))
    living = next((one for one in asked if one.is_life and _JOBS.fullmatch(one.path)), None)
    for posted in postable(operations):
        if posted.operation in known or _is_action(posted, asked):
            continue
        job_id = id_of(posted.answer)
        is_job = job_id is not None and same(job_id.rpartition(".")[2]) in {"jobid", "taskid", "runid", "batchid"}
        found = best(posted, asked)
        if found is not None:
            missing = f"GET {found.asked.path} has a {found.asked.status}, whose words are not those of a job"
            yield Doubtful(posted, missing)
        elif (link := _link(posted.answer)) is not None:
            yield Doubtful(posted, f"its answer has {link}, but no GET has a path with its id and says how it stands")
        elif is_job or lives(posted.answer):
            yield Doubtful(posted, "no GET takes its id and says how it stands")
        elif living is not None and list(places_of(posted.answer)) == ["id"]:
            whether = f"whether it is that of GET {living.path} ({living.operation}), the manifest may say"
            yield Doubtful(posted, f"its answer is an id alone; {whether}")


def _link(answer: Node) -> str | None:
    """The field of an answer with the address to ask how a job stands."""
    return next((word for word in LINKS["job"] if at(answer, word)), None)


def askable(operations: Operations) -> Iterator[Asked]:
    """Every GET that takes an id and says how something stands."""
    for name, (path, method, operation) in operations.items():
        parameters = parameters_of(path)
        answer = success(operation) if method == "get" and parameters else None
        status = status_of(answer) if answer is not None else None
        if answer is not None and status is not None:
            yield Asked(name, path.rstrip("/"), parameters[-1], answer, status, lives(answer))


def postable(operations: Operations) -> Iterator[Posted]:
    """Every POST whose answer has an id."""
    for name, (path, method, operation) in operations.items():
        if method != "post":
            continue
        answer = success(operation)
        has_id = answer is not None and id_of(answer) is not None
        address = None if has_id else _address(operation, answer)
        if has_id or address is not None or (answer is not None and has_any_id(answer)):
            yield Posted(name, path.rstrip("/"), answer or operation.at("responses"), address)


def address_of(operation: Node) -> str | None:
    """Where the answer of an operation has the address of a job, if it has no id: a field, or a header."""
    answer = success(operation) if operation.find("responses") is not None else None
    return None if answer is not None and id_of(answer) is not None else _address(operation, answer)


def _address(operation: Node, answer: Node | None) -> str | None:
    return (_link(answer) if answer is not None else None) or located(operation)


def best(posted: Posted, asked: list[Asked]) -> Recognised | None:
    """Where a job is asked for: the GET for which most rules speak; of several, the one that says its state most
    clearly, and that is nearest."""
    found = [one for each in asked if (one := _recognised(posted, each)) is not None]
    if len(found) > 1 and all(one.reasons == (_REASON_OF_ADDRESSES,) for one in found):
        return None  # Any of them might be meant.
    return max(found, key=_rank, default=None)


# The rules ----------------------------------------------------------------------------------------------------------


def is_below(posted: Posted, asked: Asked) -> bool:
    """`POST /predictions` and `GET /predictions/{id}`, or `GET /predictions/{id}/status`."""
    above, _, last = posted.path.rpartition("/")
    paths = [posted.path, above] if last in VERBS else [posted.path]
    rests = (asked.path.removeprefix(path) for path in paths if path and asked.path.startswith(f"{path}/"))
    return any(len(PARAMETER.findall(rest)) == 1 for rest in rests)


def is_beside(posted: Posted, asked: Asked) -> bool:
    """`POST /{endpoint}/run` and `GET /{endpoint}/status/{id}`."""
    above = posted.path.rpartition("/")[0]
    first, *rest = asked.path.removeprefix(above).strip("/").split("/")
    return asked.path.startswith(f"{above}/") and first in STATES and len(PARAMETER.findall("/".join(rest))) == 1


def is_named(posted: Posted, asked: Asked) -> bool:
    """The answer has a field that is called as the parameter is: `prediction_id`, `jobID` and `{jobId}`."""
    if same(asked.parameter) in _PLAIN_IDS:
        return False
    found = id_among(posted.words, asked.parameter)
    return found is not None and same(found.rpartition(".")[2]) == same(asked.parameter)


def is_of_one_schema(posted: Posted, asked: Asked) -> bool:
    """Both answer with the same component."""
    return posted.answer.pointer == asked.answer.pointer


def is_addressed(posted: Posted, asked: Asked) -> bool:
    """The answer has the address of the job's state, and no id."""
    return posted.address is not None and asked.is_life


def is_of_jobs(posted: Posted, asked: Asked) -> bool:
    """The POST answers with the id of a job or task, and the GET is one of jobs or tasks."""
    found = id_among(posted.words)
    is_job = found is not None and same(found.rpartition(".")[2]) in _JOB_IDS
    return is_job and _JOBS.fullmatch(asked.path) is not None


RULES: Final[tuple[tuple[Callable[[Posted, Asked], bool], str], ...]] = (
    (is_below, "it is below the POST"),
    (is_beside, "it is beside the POST"),
    (is_named, "the answer to the POST has a field of its parameter's name"),
    (is_of_one_schema, "both answer with the same schema"),
    (is_addressed, "the answer to the POST has the address of a state"),
    (is_of_jobs, "the answer to the POST has the id of a job, and it is about jobs"),
)
_REASON_OF_JOBS: Final = RULES[-1][1]
_REASON_OF_ADDRESSES: Final = RULES[-2][1]


def parameters_of(path: str) -> list[str]:
    """The names of what is in braces in a path."""
    return [found.group(1) for found in PARAMETER.finditer(path)]


def _recognised(posted: Posted, asked: Asked) -> Recognised | None:
    reasons = tuple(sentence for rule, sentence in RULES if rule(posted, asked))
    # A mention of a job has a name of its own, whatever the route calls it.
    is_mention = reasons == (_REASON_OF_JOBS,)
    job_id = id_among(posted.words, None if is_mention else asked.parameter) if reasons else None
    if job_id is None and _REASON_OF_ADDRESSES in reasons:
        job_id = posted.address
    # A route with more parameters than the job's own can be asked only where the POST has them too.
    *above, _ = map(same, PARAMETER.findall(asked.path))
    if not reasons or job_id is None or (len(reasons) == 1 and _only_mentions(posted, job_id, reasons[0])):
        return None
    if not set(above) <= set(map(same, PARAMETER.findall(posted.path))):
        return None
    return Recognised(posted, asked, job_id, reasons)


def _only_mentions(posted: Posted, job_id: str, reason: str) -> bool:
    """Whether a POST creates something else, whose answer has the id of a job beside its own."""
    if reason not in {sentence for rule, sentence in RULES if rule in (is_named, is_of_jobs)}:
        return False
    fields = {same(name) for name in places_of(posted.answer)}
    steps = [same(step) for step in posted.path.split("/") if step and not PARAMETER.search(step)]
    theirs = same(job_id.rpartition(".")[2])
    own = {"id", *(f"{step.removesuffix('s')}id" for step in steps)} - {theirs}
    if own & fields - set(map(same, PARAMETER.findall(posted.path))):
        return True
    # Without a state of its own, the id has to be what the path is about.
    return status_of(posted.answer) is None and not any(theirs.removesuffix("id") in step for step in steps)


def _rank(found: Recognised) -> tuple[bool, int, bool, int, int]:
    path = found.asked.path
    in_common = sum(a == b for a, b in zip(path.split("/"), found.posted.path.split("/"), strict=False))
    ends_in_state = bool(STATES.intersection(path.split("/")))
    return found.asked.is_life, len(found.reasons), ends_in_state, in_common, -len(path)


def _is_action(posted: Posted, asked: list[Asked]) -> bool:
    """Whether a POST is about a job that is there already."""
    steps = re.split("[/:]", posted.path)
    last = next((step for step in reversed(steps) if not PARAMETER.search(step)), "")
    if last in ACTIONS:
        return True
    shapes = {PARAMETER.sub("{}", one.path) for one in asked if one.is_life}
    shape = PARAMETER.sub("{}", posted.path)
    return any(shape == other or shape.startswith((f"{other}/", f"{other}:")) for other in shapes)
