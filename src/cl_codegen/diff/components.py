"""What changed in the components of a server, each told once, and in its events and webhooks."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve

from cl_codegen.diff import rules
from cl_codegen.diff.answers import answer
from cl_codegen.diff.change import Change, Finding
from cl_codegen.diff.document import Document, members
from cl_codegen.diff.rules import Rule
from cl_codegen.diff.schemas import Comparison, place_of
from cl_codegen.model.read import Reading
from cl_codegen.spec.spec import METHODS, JSONObject, JSONValue


def components(old: Reading, new: Reading, schemas: Comparison) -> Iterator[Change]:
    """The changes of the schemas that operations were seen to use, and of events, which no operation mentions."""
    done = 0
    while done < len(schemas.waiting):
        name, way = schemas.waiting[done]
        done += 1
        for finding in schemas.component(name, way):
            yield _change(finding, "schema", name, new)
    used = schemas.old.reached(), schemas.new.reached()
    before, after = schemas.old.schemas, schemas.new.schemas
    told = {name for name, _ in schemas.waiting}
    for name in [*before, *(name for name in after if name not in before)]:
        if (name in before and name in used[0]) or (name in after and name in used[1]) or name in told:
            continue
        if name not in after:
            yield _event(rules.EVENT_GONE, "is gone", name, old)
        elif name not in before:
            yield _event(rules.EVENT_NEW, "is new", name, new)
        else:
            for finding in schemas.component(name, "read"):
                yield _change(finding, "event", name, new)


def _event(rule: Rule, what: str, name: str, reading: Reading) -> Change:
    return Change(rule.read, "event", f"event {name}", what, reading.wire.class_of(name) or "", rule=rule.name)


def _change(finding: Finding, kind: str, name: str, reading: Reading) -> Change:
    where, place = f"{kind} {name}", place_of(finding.place)
    python = reading.wire.class_of(name) or ""
    return Change(
        finding.level,
        kind,
        f"{where}, field {place}" if place else where,
        finding.what,
        f"{python}.{place}" if place and python else python,
        rule=finding.rule,
    )


def webhooks(schemas: Comparison) -> Iterator[Change]:
    """The changes of what the server sends by itself: there the user reads the body."""
    before, after = (dict(_webhooks(document.root, schemas)) for document in (schemas.old, schemas.new))
    for name in [*before, *(name for name in after if name not in before)]:
        if name not in after or name not in before:
            rule = rules.EVENT_NEW if name in after else rules.EVENT_GONE
            what = "is new" if name in after else "is gone"
            yield Change(rule.read, "event", f"webhook {name}", what, rule=rule.name)
            continue
        for finding in answer(before[name], after[name], schemas):
            place = place_of(finding.place)
            made = Change(finding.level, "event", f"webhook {name}", finding.what, rule=finding.rule)
            yield evolve(made, where=f"{made.where}, field {place}") if place else made


def _webhooks(root: JSONObject, schemas: Comparison) -> Iterator[tuple[str, JSONObject]]:
    document = schemas.old if root is schemas.old.root else schemas.new
    for name, said in [*members(root.get("webhooks")).items(), *_callbacks(document)]:
        item = members(document.follow(said))
        for method in METHODS:
            if isinstance(value := item.get(method), dict):
                yield (
                    f"{name} ({method.upper()})" if method != "post" else name,
                    members(document.follow(value.get("requestBody"))),
                )


def _callbacks(document: Document) -> Iterator[tuple[str, JSONValue]]:
    """What the server sends to an address that an operation was given."""
    for path, said in members(document.root.get("paths")).items():
        item = members(document.follow(said))
        for method in METHODS:
            for name, callback in members(members(item.get(method)).get("callbacks")).items():
                for address, sent in members(document.follow(callback)).items():
                    yield f"{name} of {method.upper()} {path}, to {address}", sent
