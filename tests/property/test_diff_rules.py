"""What holds for any two schemas: no value that was taken is refused unseen, and there and back fit together.

Which values a schema takes is asked of `jsonschema`, which knows nothing of the comparison.
"""

import json
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from cl_codegen.diff.change import Level
from cl_codegen.diff.document import Document
from cl_codegen.diff.schemas import Comparison

NAMES = ("a", "b", "c")
COMPONENTS = ("X", "Y")
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)

small = st.integers(0, 4)
words = st.sampled_from(["", "a", "b", "ab", "abc", "1"])


def some(**optional: st.SearchStrategy) -> st.SearchStrategy[dict]:
    return st.fixed_dictionaries({}, optional=optional)


def merged(kind: str, **optional: st.SearchStrategy) -> st.SearchStrategy[dict]:
    return some(**optional).map(lambda said: {"type": kind, **said})


strings = merged("string", minLength=small, maxLength=small, pattern=st.sampled_from(["^a", "b$"]))
numbers = st.sampled_from(["integer", "number"]).flatmap(
    lambda kind: merged(
        kind, minimum=small, maximum=small, exclusiveMinimum=small, exclusiveMaximum=small, multipleOf=st.integers(1, 3)
    )
)
plain = st.one_of(
    strings,
    numbers,
    st.sampled_from(
        [{"type": "boolean"}, {"type": "null"}, {}, {"type": ["string", "null"]}, {"type": ["integer", "string"]}]
    ),
)
enums = st.lists(st.one_of(words, small, st.booleans(), st.none()), min_size=1, max_size=3).map(
    lambda one: {"enum": one}
)
constants = st.one_of(words, small, st.none()).map(lambda one: {"const": one})
references = st.sampled_from(COMPONENTS).map(lambda name: {"$ref": f"#/components/schemas/{name}"})


def objects(inner: st.SearchStrategy) -> st.SearchStrategy[dict]:
    return st.fixed_dictionaries(
        {"properties": st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)},
        optional={
            "required": st.lists(st.sampled_from(NAMES), unique=True, max_size=2),
            "additionalProperties": st.one_of(st.booleans(), inner),
        },
    ).map(
        lambda one: {
            "type": "object",
            **one,
            "required": [n for n in one.get("required", []) if n in one["properties"]],
        }
    )


def lists(inner: st.SearchStrategy) -> st.SearchStrategy[dict]:
    return merged(
        "array",
        items=st.one_of(inner, inner, st.just(False)),
        prefixItems=st.lists(inner, min_size=1, max_size=2),
        minItems=small,
        maxItems=small,
        uniqueItems=st.booleans(),
    )


def unions(inner: st.SearchStrategy) -> st.SearchStrategy[dict]:
    return st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda members: {"anyOf": members}),
        st.lists(inner, min_size=1, max_size=2).map(lambda parts: {"allOf": parts}),
    )


def schemas(*leaves: st.SearchStrategy, fields: bool = True) -> st.SearchStrategy[dict]:
    def larger(inner: st.SearchStrategy) -> st.SearchStrategy:
        maps = inner.map(lambda value: {"type": "object", "additionalProperties": value})
        return st.one_of(lists(inner), unions(inner), objects(inner) if fields else maps)

    return st.recursive(st.one_of(*leaves), larger, max_leaves=5)


anything = schemas(plain, enums, constants, references)
mirrored = schemas(plain, fields=False)


@st.composite
def pairs(draw: Any, kinds: st.SearchStrategy = anything) -> tuple[dict, dict]:
    """Two schemas; most often the second is the first with one part of it replaced."""
    old = draw(kinds)
    if draw(st.integers(0, 3)) == 0:
        return old, draw(kinds)
    new = json.loads(json.dumps(old))
    places = [(new, None)]
    for holder, _ in places:
        for key, value in holder.items() if isinstance(holder, dict) else enumerate(holder):
            if isinstance(value, dict) and key not in {"properties"}:
                places.append((value, (holder, key)))
            elif isinstance(value, list | dict) and key not in {"enum", "type", "required", "const"}:
                places.append((value, None))
    _, where = draw(st.sampled_from(places))
    if where is None:
        return old, draw(kinds)
    where[0][where[1]] = draw(kinds)
    return old, new


def document(components: dict) -> dict:
    return {"components": {"schemas": components}}


components = st.fixed_dictionaries(dict.fromkeys(COMPONENTS, anything)).filter(
    # A component that is only itself takes nothing and everything.
    lambda known: not any("$ref" in schema or "anyOf" in schema or "allOf" in schema for schema in known.values())
)


def accepts(schema: dict, known: dict, value: object) -> bool:
    return Draft202012Validator({**schema, **document(known)}).is_valid(value)


def findings(old: dict, new: dict, way: str, known: tuple[dict, dict]) -> list:
    """All that is found between two schemas, and in the components that they use."""
    comparison = Comparison(Document(document(known[0])), Document(document(known[1])))
    found = list(comparison.compare(old, new, way))
    for name, there in comparison.waiting:
        found += comparison.component(name, there)
    return found


def breaks(old: dict, new: dict, way: str, known: tuple[dict, dict] = ({}, {})) -> bool:
    return any(one.level == Level.BREAKING for one in findings(old, new, way, known))


@st.composite
def values(draw: Any, schema: Any, known: dict, depth: int = 0) -> object:
    """A value that a schema may take: a good guess, no promise."""
    if depth > 5 or not isinstance(schema, dict):
        return draw(st.one_of(words, small))
    if "$ref" in schema:
        return draw(values(known[schema["$ref"].rpartition("/")[2]], known, depth + 1))
    for key in ("anyOf", "allOf"):
        if key in schema:
            return draw(values(draw(st.sampled_from(schema[key])), known, depth + 1))
    if "enum" in schema:
        return draw(st.sampled_from(schema["enum"]))
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type", "string")
    match draw(st.sampled_from(kind)) if isinstance(kind, list) else kind:
        case "object":
            made = {}
            for name, one in schema.get("properties", {}).items():
                if name in schema.get("required", []) or draw(st.booleans()):
                    made[name] = draw(values(one, known, depth + 1))
            if "properties" not in schema:
                made = {name: draw(values(schema["additionalProperties"], known, depth + 1)) for name in NAMES[:2]}
            return made
        case "array":
            first = [draw(values(one, known, depth + 1)) for one in schema.get("prefixItems", [])]
            return first + [
                draw(values(schema.get("items", {}), known, depth + 1)) for _ in range(draw(st.integers(0, 3)))
            ]
        case "integer":
            return draw(st.integers(-1, 6))
        case "number":
            return draw(st.sampled_from([-1, 0, 0.5, 1, 1.5, 2, 3.5, 4, 6]))
        case "boolean":
            return draw(st.booleans())
        case "null":
            return None
        case _:
            return draw(words)


@QUICK
@given(st.data(), pairs(), components, components)
def test_no_value_that_was_taken_is_refused_and_nothing_breaking_said(data, pair, old_known, new_known):
    old, new = pair
    value = data.draw(values(old, old_known))
    assume(accepts(old, old_known, value))
    if not accepts(new, new_known, value):
        assert breaks(old, new, "sent", (old_known, new_known))


@QUICK
@given(st.data(), pairs(mirrored))
def test_no_value_comes_that_could_not_come_before_and_nothing_breaking_said(data, pair):
    old, new = pair
    value = data.draw(values(new, {}))
    assume(accepts(new, {}, value))
    if not accepts(old, {}, value):
        assert breaks(old, new, "read")


@QUICK
@given(pairs(mirrored))
def test_what_breaks_a_sender_there_breaks_a_reader_back(pair):
    old, new = pair
    assert breaks(old, new, "sent") == breaks(new, old, "read")


@QUICK
@given(pairs(), components, components, st.sampled_from(["sent", "read"]))
def test_where_there_is_no_difference_there_is_none_back(pair, old_known, new_known, way):
    there = findings(*pair, way, (old_known, new_known))
    back = findings(*reversed(pair), way, (new_known, old_known))
    assert bool(there) == bool(back)


@QUICK
@given(pairs(), st.sampled_from(["sent", "read"]))
def test_a_field_that_comes_there_goes_back(pair, way):
    old, new = pair
    assume("properties" in old and "properties" in new)
    came = {
        one.place
        for one in findings(old, new, way, ({}, {}))
        if one.rule.startswith("field-new") and len(one.place) == 1
    }
    gone = {one.place for one in findings(new, old, way, ({}, {})) if one.rule == "field-gone" and len(one.place) == 1}
    assert came == gone


def in_another_order(value: Any) -> Any:
    if isinstance(value, dict):
        turned = {key: in_another_order(one) for key, one in reversed(value.items())}
        for key in ("anyOf", "enum", "required"):
            if isinstance(turned.get(key), list):
                turned[key] = list(reversed(turned[key]))
        return turned
    return [in_another_order(one) for one in value] if isinstance(value, list) else value


def in_place(schema: Any, known: dict) -> Any:
    """A schema without references, where none leads back to itself."""
    if isinstance(schema, list):
        return [in_place(one, known) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return in_place(known[schema["$ref"].rpartition("/")[2]], {})
    return {key: in_place(one, known) for key, one in schema.items()}


@QUICK
@given(anything, components, st.sampled_from(["sent", "read"]))
def test_a_schema_is_no_other_than_itself_in_another_order(schema, known, way):
    assert findings(schema, schema, way, (known, known)) == []
    turned = in_another_order(schema), in_another_order(known)
    assert findings(schema, turned[0], way, (known, turned[1])) == []


@QUICK
@given(anything, st.fixed_dictionaries({name: schemas(plain, enums) for name in COMPONENTS}), st.booleans())
def test_a_schema_is_no_other_when_its_components_are_written_in_place(schema, known, back):
    written = in_place(schema, known)
    old, new = (written, schema) if back else (schema, written)
    for way in ("sent", "read"):
        assert findings(old, new, way, (known, known)) == []
