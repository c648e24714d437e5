"""What changed in what an operation answers: its statuses, their bodies and headers, and the output of a job."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve

from cl_codegen.diff import rules
from cl_codegen.diff.change import Change, Finding
from cl_codegen.diff.document import Document, members
from cl_codegen.diff.media import by_media_type, media_changes
from cl_codegen.diff.operation import Operation
from cl_codegen.diff.rules import Rule
from cl_codegen.diff.schemas import Comparison, below, place_of
from cl_codegen.spec.spec import JSONObject, JSONValue


def answers(old: Operation, new: Operation, schemas: Comparison) -> Iterator[Change]:
    """The changes of what a user reads."""
    before, after = _statuses(old), _statuses(new)
    for code in [*before, *(code for code in after if code not in before)]:
        part = f"answer {code}"
        was, now = _said(before, code), _said(after, code)
        if was is None or now is None:
            if (rule := _come_or_gone(code, before, after)) is not None:
                yield new.change(rule, "response", "is new" if was is None else "is gone", part)
            continue
        for finding in answer(was, now, schemas):
            place = f"{part}{_below(finding.place)}"
            made = new.change(rules.OUTPUT, "response", finding.what, place)
            yield evolve(made, level=finding.level, rule=finding.rule)
    yield from _outputs(old, new, schemas)


def _statuses(operation: Operation) -> dict[str, JSONObject]:
    listed = members(operation.value.get("responses"))
    return {
        code if code == "default" else code.upper(): members(operation.document.follow(said))
        for code, said in listed.items()
        if not code.startswith("x-")
    }


def _is_success(code: str) -> bool:
    return code.startswith("2")


def _said(statuses: dict[str, JSONObject], code: str) -> JSONObject | None:
    """What is documented of a status: by itself, by its range, or, for an error, by `default`."""
    if code in statuses:
        return statuses[code]
    in_range = statuses.get(f"{code[0]}XX")
    if in_range is not None or _is_success(code) or code == "default":
        return in_range
    return statuses.get("default")


def _come_or_gone(code: str, before: dict[str, JSONObject], after: dict[str, JSONObject]) -> Rule | None:
    is_new = code not in before
    if not _is_success(code):
        return rules.ERROR_NEW if is_new else rules.ERROR_GONE
    others = before if is_new else after
    if code == "2XX" and any(_is_success(other) for other in others):
        # Each of those that were named is compared with the range.
        return rules.SUCCESS_NEW if is_new else None
    if is_new and not any(_is_success(other) for other in before):
        return rules.ERROR_NEW
    return rules.SUCCESS_NEW if is_new else rules.SUCCESS_GONE


def answer(old: JSONObject, new: JSONObject, schemas: Comparison) -> Iterator[Finding]:
    """The findings between two answers, for who reads them."""
    before, after = (by_media_type(members(one.get("content"))) for one in (old, new))
    if before and not after:
        yield _finding(rules.ANSWER_EMPTY, f"is empty now, was {' or '.join(before)}")
    elif after and not before:
        yield _finding(rules.ANSWER_FILLED, f"is {' or '.join(after)} now, was empty")
    else:
        for rule, what in media_changes([*before], [*after], "read"):
            yield _finding(rule, what)
        for kind, media in before.items():
            if kind in after:
                schema, other = (members(one).get("schema", {}) for one in (media, after[kind]))
                yield from schemas.compare(schema, other, "read")
    yield from _headers(old, new, schemas)
    if old.get("description") != new.get("description"):
        yield _finding(rules.WORDS, "the description is another")


def _headers(old: JSONObject, new: JSONObject, schemas: Comparison) -> Iterator[Finding]:
    before, after = _headers_of(old, schemas.old), _headers_of(new, schemas.new)
    for key, (name, header) in before.items():
        place = f", header {name}"
        if key not in after:
            yield _finding(rules.HEADER_GONE, "is gone", place)
            continue
        other = after[key][1]
        required = header.get("required") is True, other.get("required") is True
        if required[0] and not required[1]:
            yield _finding(rules.OPTIONAL, "may be missing now", place)
        elif required[1] and not required[0]:
            yield _finding(rules.REQUIRED, "is required now", place)
        yield from below(place, schemas.compare(header.get("schema", {}), other.get("schema", {}), "read"))
    for key, (name, _) in after.items():
        if key not in before:
            yield _finding(rules.HEADER_NEW, "is new", f", header {name}")


def _headers_of(said: JSONObject, document: Document) -> dict[str, tuple[str, JSONObject]]:
    return {
        name.lower(): (name, members(document.follow(header)))
        for name, header in members(said.get("headers")).items()
        if name.lower() != "content-type"
    }


def _finding(rule: Rule, what: str, *place: str) -> Finding:
    return Finding(rule.read, place, what, rule.name)


def _outputs(old: Operation, new: Operation, schemas: Comparison) -> Iterator[Change]:
    pair = _output(old), _output(new)
    found = schemas.compare(pair[0], pair[1], "read") if pair[0] is not None and pair[1] is not None else None
    names = [(one.plugin.output or "") if one.plugin else "" for one in (old, new)]
    if names[0] != names[1] and found != []:
        what = f"the output is {names[1] or 'any object'} now, was {names[0] or 'any object'}"
        yield new.change(rules.OUTPUT, "response", what)
        return
    for finding in found or []:
        made = new.change(rules.OUTPUT, "response", finding.what, f"output{_below(finding.place)}")
        yield evolve(made, level=finding.level, rule=finding.rule)


def _output(operation: Operation) -> JSONValue:
    return operation.value.get("x-task-output")


def _below(place: tuple[str, ...]) -> str:
    text = place_of(place)
    return text if text.startswith(("[", "{", ",")) or not text else f".{text}"
