"""The rules that make a spec of FastAPI (or of another framework) one that the generator reads without loss.

Each rule is a small function that changes the document in place and yields the JSON pointers where it applied. The
file of the spec is never edited by hand: what a server exports goes through here each time.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from typing import cast

from attrs import frozen

from cl_codegen.manifest.manifest import Choice
from cl_codegen.normalise.answer_rules import unsaid_files_are_bytes
from cl_codegen.normalise.naming_rules import (
    bodies_are_named_by_their_operation,
    components_are_called_by_their_key,
    components_leave_our_names,
    modules_have_plain_names,
    operation_ids_are_names,
    optional_members_take_the_title,
    titles_are_words,
)
from cl_codegen.normalise.reference_rules import (
    lost_references_are_left_out,
    path_items_stand_in_place,
    places_referred_to_are_components,
    references_are_plain,
    webhooks_are_called_so,
)
from cl_codegen.normalise.schema_rules import (
    boolean_schemas_are_objects,
    bounds_are_numbers,
    definitions_are_components,
    details_may_be_text,
    files_are_binary,
    nullable_is_a_union,
    other_media_are_bytes,
    parts_of_one_are_themselves,
    recursive_json_is_any,
)
from cl_codegen.spec.spec import JSONObject, JSONValue, Spec, escape_pointer, unescape_pointer
from cl_codegen.spec.walk import Walked, component_schemas, objects, operations_of

Rule = Callable[[JSONObject], Iterator[str]]


@frozen
class Applied:
    """Where one rule changed the document."""

    rule: str
    pointers: tuple[str, ...]


def normalise(spec: Spec, choice: Choice | None = None) -> tuple[Spec, tuple[Applied, ...]]:
    """The spec with every rule applied, and the report of where each of them did something.

    Args:
        spec: as the server says it.
        choice: which of its operations are wanted; all of them when not given.

    Raises:
        SpecError: the choice names what the spec does not have.
    """
    # Of a large document, `copy.deepcopy` makes a copy in twice the time.
    document = Walked(cast("JSONObject", pickle.loads(pickle.dumps(dict(spec.document)))))  # noqa: S301 — our own bytes
    report: list[Applied] = []

    def apply(name: str, pointers: Iterator[str]) -> None:
        report.append(Applied(name, tuple(pointers)))

    for rule in RULES:
        apply(rule.__name__, rule(document))
        if report[-1].pointers and rule not in KEEP_PLACES:
            document.is_changed()
        if rule is operation_ids_are_names and choice is not None:
            apply("operations_are_chosen", operations_are_chosen(document, choice))
            document.is_changed()
    return Spec.of(spec.source, document), tuple(report)


def operations_are_chosen(document: JSONObject, choice: Choice) -> Iterator[str]:
    """Unwanted operations are removed, by their id or tag, with the schemas that only they mention."""
    if not choice.only and not choice.leave_out:
        return
    named = {
        id(operation): {str(operation.get("operationId")), *map(str, _tags(operation))}
        for _, _, operation in operations_of(document)
    }
    known = {word for words in named.values() for word in words}
    for key, words in (("only", choice.only), ("leave_out", choice.leave_out)):
        for word in words:
            if word not in known:
                raise choice.error(key, word, known)
    for path, method, operation in list(operations_of(document)):
        words = named[id(operation)]
        if (choice.only and words.isdisjoint(choice.only)) or not words.isdisjoint(choice.leave_out):
            del cast("dict[str, JSONObject]", document["paths"])[path][method]
            yield f"#/paths/{escape_pointer(path)}/{method}"
    _drop_unmentioned(document)


def _tags(operation: JSONObject) -> list[JSONValue]:
    tags = operation.get("tags")
    return tags if isinstance(tags, list) else []


def _drop_unmentioned(document: JSONObject) -> None:
    """Schemas that nothing leads to any more."""
    schemas = component_schemas(document)
    beside = {key: value for key, value in document.items() if key != "components"}
    components = cast("JSONObject", document["components"])
    others: JSONObject = {key: value for key, value in components.items() if key != "schemas"}
    waiting: list[JSONValue] = [beside, others]
    kept: set[str] = set()
    while waiting:
        for _, node in objects(waiting.pop()):
            reference = node.get("$ref")
            key = unescape_pointer(reference.rpartition("/")[2]) if isinstance(reference, str) else ""
            if key in schemas and key not in kept:
                kept.add(key)
                waiting.append(schemas[key])
    for key in [key for key in schemas if key not in kept]:
        del schemas[key]


RULES: tuple[Rule, ...] = (
    webhooks_are_called_so,
    references_are_plain,
    path_items_stand_in_place,
    places_referred_to_are_components,
    lost_references_are_left_out,
    operation_ids_are_names,
    modules_have_plain_names,
    parts_of_one_are_themselves,
    nullable_is_a_union,
    bounds_are_numbers,
    bodies_are_named_by_their_operation,
    definitions_are_components,
    boolean_schemas_are_objects,
    recursive_json_is_any,
    files_are_binary,
    unsaid_files_are_bytes,
    other_media_are_bytes,
    details_may_be_text,
    components_are_called_by_their_key,
    components_leave_our_names,
    titles_are_words,
    optional_members_take_the_title,
)

"""The rules in their order."""

KEEP_PLACES: frozenset[Rule] = frozenset(
    [
        operation_ids_are_names,
        modules_have_plain_names,
        bounds_are_numbers,
        files_are_binary,
        components_are_called_by_their_key,
        titles_are_words,
        optional_members_take_the_title,
    ]
)
"""The rules after which schemas and references are where they were: the document is not walked again for them."""


def describe(report: tuple[Applied, ...]) -> str:
    """The report as text: one line for each rule that did something, of one spec or of several."""
    counts: dict[str, int] = {}
    for applied in report:
        counts[applied.rule] = counts.get(applied.rule, 0) + len(applied.pointers)
    return "\n".join(f"{rule}: {count}" for rule, count in counts.items() if count)
