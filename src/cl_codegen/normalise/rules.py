"""The rules that make a spec of FastAPI (or of another framework) one that the generator reads without loss.

Each rule is a small function that changes the document in place and yields the JSON pointers where it applied. The
file of the spec is never edited by hand: what a server exports goes through here each time.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

from attrs import frozen

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
from cl_codegen.spec.spec import JSONObject, Spec

Rule = Callable[[JSONObject], Iterator[str]]


@frozen
class Applied:
    """Where one rule changed the document."""

    rule: str
    pointers: tuple[str, ...]


def normalise(spec: Spec) -> tuple[Spec, tuple[Applied, ...]]:
    """The spec with every rule applied, and the report of where each of them did something."""
    document = copy.deepcopy(spec.document)
    report = tuple(Applied(rule.__name__, tuple(rule(document))) for rule in RULES)
    return Spec.of(spec.source, document), report


RULES: tuple[Rule, ...] = (
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
    other_media_are_bytes,
    details_may_be_text,
    components_are_called_by_their_key,
    components_leave_our_names,
    titles_are_words,
    optional_members_take_the_title,
)


def describe(report: tuple[Applied, ...]) -> str:
    """The report as text: one line for each rule that did something."""
    return "\n".join(f"{applied.rule}: {len(applied.pointers)}" for applied in report if applied.pointers)
