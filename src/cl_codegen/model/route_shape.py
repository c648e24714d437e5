"""Paths of a spec as shapes: how many parameters they have, what they begin with, what stands beside them."""

from __future__ import annotations

from collections.abc import Callable

from cl_codegen.model.job_answer import same
from cl_codegen.model.job_operations import with_query
from cl_codegen.model.recognise import PARAMETER, STATES


def same_parameters(path: str, job: str, depth: int) -> bool:
    """Whether a path begins with the parameters that stand before the id of a job."""
    wanted, there = (list(map(same, PARAMETER.findall(one)))[:depth] for one in (job, path))
    return wanted == there


def bases_of(path: str) -> list[str]:
    """The route of a job, and what it is below where its last steps only say that it is about a state."""
    found = [path.rstrip("/")]
    while found[-1].rpartition("/")[2] in STATES:
        found.append(found[-1].rpartition("/")[0])
    return found[:1] if len(found) == 1 else [found[0], found[-1]]


def swapped(path: str) -> Callable[[str], str] | None:
    """`/v1/status/poll/{id}` with another step in the place of those that say that it is about a state."""
    steps = path.rstrip("/").split("/")
    states = [place for place, step in enumerate(steps[:-1]) if step in STATES]
    if not states or not PARAMETER.search(steps[-1]):
        return None
    return lambda word: "/".join([*steps[: states[0]], word, *steps[states[-1] + 1 :]])


def parameter_count(path: str) -> int:
    """How many parameters a path has."""
    return len(PARAMETER.findall(path))


def shape(path: str) -> str:
    """A path without the names of what is in braces."""
    return PARAMETER.sub("{}", path.rstrip("/"))


def named(path: str, depth: int) -> str:
    """A path of the spec with the names of `cl_client`'s `Contract` for what is in braces."""
    names = iter([*["{task}"] * depth, "{job_id}", "{path}"])
    return PARAMETER.sub(lambda _: next(names, ""), with_query(path))
