"""Why what a manifest proposes is proposed, and what was not found: as comments of TOML, for people to judge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from cl_codegen.model.contract import key_of, read_contract, unknown_words
from cl_codegen.model.job_operations import job_operations
from cl_codegen.model.job_routes import JobRoutes
from cl_codegen.model.read import Reading
from cl_codegen.model.recognise import Operations, doubtful, recognise
from cl_codegen.model.unfollowed import unfollowed
from cl_codegen.model.vocabulary import STATUSES, guess
from cl_codegen.spec.spec import SpecError
from cl_codegen.text.escape import one_line, toml

_ROUTES: Final = ("cancel", "delete", "retry", "file")
_MOST: Final = 20
"""Lines about what is no job."""


def reasons(reading: Reading) -> Mapping[str, str]:
    """By operation id, why it is believed to create a job, where the spec does not say so itself."""
    if says_itself(reading):
        return {}
    return {
        one.posted.operation: f"A job: GET {one.asked.path} says how it stands ({one.asked.status});"
        f" {'; '.join(one.reasons)}."
        for one in recognise(_operations(reading))
    }


def words(reading: Reading) -> Iterator[str]:
    """Lines for unknown words of states, each with a guess."""
    unknown = unknown_words(reading.spec, reading.manifest, reading.plugins)
    if unknown:
        yield f"# The meaning of these states is unknown. Each line is a guess, one of {', '.join(STATUSES)}."
        yield "[server.status]"
        yield from (f"{key_of(word)} = {toml(guess(word))}" for word in unknown)


def notes(reading: Reading) -> Iterator[str]:
    """What was not found: routes of jobs, and jobs."""
    known = frozenset(plugin.operation for plugin in reading.plugins)
    if reading.plugins and not unknown_words(reading.spec, reading.manifest, reading.plugins):
        try:
            contract = read_contract(reading.spec, reading.manifest, reading.plugins)
        except SpecError as unclear:
            yield f"# {one_line(unclear.expected)}"
        else:
            for kind in contract.kinds:
                yield from _missing(kind.routes)
    listed = [] if says_itself(reading) else list(doubtful(_operations(reading), known))
    if listed:
        yield "# Not proposed; a table with the operation makes it a job all the same:"
    for one in listed[:_MOST]:
        yield one_line(f"# POST {one.posted.path} ({one.posted.operation}): {one.missing}")
    if len(listed) > _MOST:
        yield f"# and {len(listed) - _MOST} more"
    for one in unfollowed(reading.spec, known):
        yield one_line(f"# {one.pointer}: {one.reason}")


def says_itself(reading: Reading) -> bool:
    """Whether the spec says which operations create jobs."""
    return any(operation.find("x-task-type") is not None for _, _, operation in reading.spec.operations())


def _missing(routes: JobRoutes) -> Iterator[str]:
    missing = [name for name in _ROUTES if name not in routes.operations]
    if missing:
        yield one_line(
            f"# No route was found for {', '.join(missing)} of the jobs at {routes.asked}; if there is one, name its"
            f' operation: {missing[0]} = "…" in [server], or in the table of its jobs.'
        )


def _operations(reading: Reading) -> Operations:
    return job_operations(reading.spec)
