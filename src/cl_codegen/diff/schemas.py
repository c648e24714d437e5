"""What is different between two schemas, for who sends values of them and for who reads them.

The two are mirror images: a sender is hurt when less is accepted, a reader when more may come (`rules`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Final

from attrs import define, evolve, field

from cl_codegen.diff import rules
from cl_codegen.diff.change import Finding, Level
from cl_codegen.diff.document import Document, component_of, elements, members, same
from cl_codegen.diff.rules import Way
from cl_codegen.diff.shape import Shape, shapes
from cl_codegen.diff.values import bounds, enums, formats, found, now_is
from cl_codegen.spec.spec import JSONObject, JSONValue

_CONDITIONS: Final = (
    "not",
    "if",
    "then",
    "else",
    "contains",
    "minContains",
    "maxContains",
    "dependentRequired",
    "dependentSchemas",
    "propertyNames",
    "patternProperties",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentSchema",
)
_WORDS_FOR_PEOPLE: Final = ("description", "title", "example", "examples")


@define(eq=False)
class Comparison:
    """The comparison of the schemas of two documents.

    A component is compared once, by its own name, however often and wherever it is used: `waiting` has those that were
    come across, with the way in which they are used.
    """

    old: Document
    new: Document
    waiting: list[tuple[str, Way]] = field(factory=list, init=False)
    _queued: set[tuple[str, Way]] = field(factory=set, init=False)
    _known: dict[tuple[object, object, Way, bool], tuple[Finding, ...]] = field(factory=dict, init=False)
    _shapes: dict[tuple[bool, object], tuple[Shape, ...]] = field(factory=dict, init=False)
    _kept: list[JSONValue] = field(factory=list, init=False)
    """What has been compared: keys are identities, so it has to live as long."""
    _trying: bool = field(default=False, init=False)
    """Whether this only asks if one shape takes the values of another."""

    def compare(self, old: JSONValue, new: JSONValue, way: Way) -> list[Finding]:
        """The findings below two schemas, with places relative to them."""
        name = component_of(old)
        if name is not None and name == component_of(new) and self._is_known(name):
            self._queue(name, way)
            return [*self.around(old, new, way, is_same=True)]
        return [*self.values(old, new, way), *self.around(old, new, way)]

    def component(self, name: str, way: Way) -> list[Finding]:
        """The findings below a component that both documents have."""
        old, new = self.old.schemas[name], self.new.schemas[name]
        return self.compare(old, new, way)

    def shapes_of(self, old: JSONValue, new: JSONValue) -> tuple[tuple[Shape, ...], tuple[Shape, ...]]:
        return self._shapes_of(old, self.old), self._shapes_of(new, self.new)

    def _shapes_of(self, schema: JSONValue, document: Document) -> tuple[Shape, ...]:
        key = document is self.old, self._key(schema)
        if key not in self._shapes:
            self._shapes[key] = shapes(schema, document)
        return self._shapes[key]

    def _is_known(self, name: str) -> bool:
        return name in self.old.schemas and name in self.new.schemas

    def _queue(self, name: str, way: Way) -> None:
        if not self._trying and (name, way) not in self._queued:
            self._queued.add((name, way))
            self.waiting.append((name, way))

    def _key(self, schema: JSONValue) -> object:
        # What `allOf` comes to is made anew wherever it stands; in a cycle, for ever.
        if isinstance(schema, dict) and len(schema) == 1:
            return json.dumps(schema)
        self._kept.append(schema)
        return id(schema)

    def values(self, old: JSONValue, new: JSONValue, way: Way) -> tuple[Finding, ...]:
        """The findings about which values are possible."""
        key = self._key(old), self._key(new), way, self._trying
        if key not in self._known:
            # A schema that holds itself is compared with itself, and says nothing more.
            self._known[key] = ()
            self._known[key] = tuple(self._values(old, new, way))
        return self._known[key]

    def _values(self, old: JSONValue, new: JSONValue, way: Way) -> Iterator[Finding]:
        listed = self._unions(*self.shapes_of(old, new), way)
        names = component_of(old), component_of(new)
        if listed and names[0] is not None and names[1] is not None and names[0] != names[1]:
            yield self._another(names[0], names[1], listed)
        else:
            yield from listed
        yield from self._discriminators(old, new, way)

    def _another(self, old: str, new: str, listed: list[Finding]) -> Finding:
        worst = max(one.level for one in listed)
        why = [f"{place_of(one.place)} {one.what}".strip() for one in listed if one.level == worst]
        more = f"; {len(why) - 3} more" if len(why) > 3 else ""
        return Finding(worst, (), f"the schema is {new} now, was {old} ({'; '.join(why[:3])}{more})", rules.SCHEMA.name)

    def _unions(self, olds: tuple[Shape, ...], news: tuple[Shape, ...], way: Way) -> list[Finding]:
        pairs, left, came = self._matched(olds, news)
        lost = [one for one in left if not self._is_taken(one, news, self.old, self.new)]
        won = [one for one in came if not self._is_taken(one, olds, self.new, self.old)]
        listed = [*_types(olds, news, lost, won, way)]
        for before, after in pairs:
            below = self._pair(before, after, way)
            listed += self._unless_elsewhere(below, (before, after), (olds, news), way) if below else []
        return listed

    def _pair(self, old: Shape, new: Shape, way: Way) -> list[Finding]:
        if old.name is not None and old.name == new.name and self._is_known(old.name):
            self._queue(old.name, way)
            return []
        return [*self.same_type(old, new, way)]

    def _matched(
        self, olds: tuple[Shape, ...], news: tuple[Shape, ...]
    ) -> tuple[list[tuple[Shape, Shape]], list[Shape], list[Shape]]:
        """Which shape became which, which are gone, and which are new."""
        pairs: list[tuple[Shape, Shape]] = []
        left, came = list(olds), list(news)

        def take(old: Shape, new: Shape) -> None:
            pairs.append((old, new))
            left.remove(old)
            came.remove(new)

        for old in olds:
            same_one = next((new for new in came if _is_one(old, new)), None)
            if same_one is not None:
                take(old, same_one)
        likely = [(old, new) for old in left for new in came if new.type == old.type]
        if len(likely) > 1:
            likely.sort(key=lambda pair: self._distance(*pair))
        for old, new in likely:
            if old in left and new in came:
                take(old, new)
        for old in list(left):
            number = next((new for new in came if {old.kind, new.kind} == {"integer", "number"}), None)
            if number is not None and len(olds) == len(news) == 1:
                pairs.append((old, number))
        order = {id(one): place for place, one in enumerate(olds)}
        return sorted(pairs, key=lambda pair: order[id(pair[0])]), left, came

    def _distance(self, old: Shape, new: Shape) -> tuple[int, int]:
        listed = self._tried(old, new)
        return sum(one.level == Level.BREAKING for one in listed), len(listed)

    def _tried(self, old: Shape, new: Shape) -> list[Finding]:
        before, self._trying = self._trying, True
        try:
            return self._pair(old, new, "sent")
        finally:
            self._trying = before

    def _is_taken(self, shape: Shape, others: Iterable[Shape], of: Document, by: Document) -> bool:
        """Whether one of the shapes of the other document takes all values of a shape of this one."""
        # The other way around, old and new change places.
        here = self if of is self.old else Comparison(of, by)
        return any(
            other.kind == "any"
            or (
                (other.type == shape.type or (shape.kind, other.kind) == ("integer", "number"))
                and not any(one.level == Level.BREAKING for one in here._tried(shape, other))
            )
            for other in others
        )

    def _unless_elsewhere(
        self,
        found: list[Finding],
        pair: tuple[Shape, Shape],
        every: tuple[tuple[Shape, ...], tuple[Shape, ...]],
        way: Way,
    ) -> list[Finding]:
        """The findings of a member of a union, but for what another member makes up for."""
        others = [[one for one in side if one is not member] for side, member in zip(every, pair, strict=True)]
        is_taken = bool(others[1]) and self._is_taken(pair[0], others[1], self.old, self.new)
        was_taken = bool(others[0]) and self._is_taken(pair[1], others[0], self.new, self.old)
        if is_taken and was_taken:
            return []
        if is_taken if way == "sent" else was_taken:
            return [evolve(one, level=min(one.level, Level.COMPATIBLE)) for one in found]
        return found

    def same_type(self, old: Shape, new: Shape, way: Way) -> Iterator[Finding]:
        yield from enums(old, new, way)
        yield from bounds(old, new, way)
        yield from formats(old, new, way)
        yield from self._conditions(old, new, way)
        if "array" in (old.kind, new.kind):
            yield from self._items(old.words, new.words, way)
        if "object" in (old.kind, new.kind):
            yield from self._other_fields(old.words, new.words, way)
            yield from self.fields(old.words, new.words, way)

    def _conditions(self, old: Shape, new: Shape, way: Way) -> Iterator[Finding]:
        for key in _CONDITIONS:
            before, after = old.words.get(key), new.words.get(key)
            if same(before, after):
                continue
            if before is None:
                yield found(rules.CONDITION_NEW, way, f"the condition {key!r} is new")
            elif after is None:
                yield found(rules.CONDITION_GONE, way, f"the condition {key!r} is gone")
            else:
                yield found(rules.PATTERN_CHANGED, way, f"the condition {key!r} is another")

    def _items(self, old: JSONObject, new: JSONObject, way: Way) -> Iterator[Finding]:
        first = elements(old.get("prefixItems")), elements(new.get("prefixItems"))
        rest = old.get("items", True), new.get("items", True)
        for place in range(max(len(first[0]), len(first[1]))):
            pair = [one[place] if place < len(one) else other for one, other in zip(first, rest, strict=True)]
            yield from below(f"[{place}]", self.compare(pair[0], pair[1], way))
        if "items" in old or "items" in new:
            yield from below("[]", self.compare(rest[0], rest[1], way))

    def _other_fields(self, old: JSONObject, new: JSONObject, way: Way) -> Iterator[Finding]:
        before, after = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if before is not False and after is False:
            yield found(rules.FIELDS_CLOSED, way, "fields that it does not name are refused now")
        elif before is False and after is not False:
            yield found(rules.FIELDS_OPENED, way, "fields that it does not name are possible now")
        elif before is not False:
            yield from below("{}", self.compare(before, after, way))

    def fields(self, old: JSONObject, new: JSONObject, way: Way) -> Iterator[Finding]:
        """The findings below the properties of two objects, which are those that go this way."""
        before, after = members(old.get("properties")), members(new.get("properties"))
        hidden = "readOnly" if way == "sent" else "writeOnly"
        needed, needs = elements(old.get("required")), elements(new.get("required"))
        for name, schema in before.items():
            if self.said(schema, hidden, self.old) is True:
                continue
            if name not in after:
                yield found(rules.FIELD_GONE, way, "is gone", name)
            elif self.said(after[name], hidden, self.new) is True:
                rule = rules.FIELD_READ_ONLY if way == "sent" else rules.FIELD_WRITE_ONLY
                yield found(rule, way, "is only read now" if way == "sent" else "is only sent now", name)
        for name, schema in after.items():
            if self.said(schema, hidden, self.new) is True:
                continue
            if name not in before or self.said(before[name], hidden, self.old) is True:
                hurts = way == "sent" and name in needs
                rule = rules.FIELD_NEW_REQUIRED if hurts else rules.FIELD_NEW
                yield found(rule, way, "is new, and required" if hurts else "is new", name)
                continue
            if name in needs and name not in needed:
                yield found(rules.REQUIRED, way, "is required now", name)
            elif name in needed and name not in needs:
                yield found(rules.OPTIONAL, way, "is optional now" if way == "sent" else "may be missing now", name)
            yield from below(name, self.compare(before[name], schema, way))
        for name in dict.fromkeys(str(one) for one in [*needed, *needs]):
            if name not in before and name not in after and (name in needs) != (name in needed):
                rule = rules.REQUIRED if name in needs else rules.OPTIONAL
                yield found(rule, way, "is required now" if name in needs else "may be missing now", name)

    def is_hidden(self, old: JSONValue, new: JSONValue, way: Way) -> bool:
        """Whether a field does not go this way, in one of the documents."""
        hidden = "readOnly" if way == "sent" else "writeOnly"
        return self.said(old, hidden, self.old) is True or self.said(new, hidden, self.new) is True

    def around(self, old: JSONValue, new: JSONValue, way: Way, *, is_same: bool = False) -> Iterator[Finding]:
        """What stands beside a type: the default, which the server alone applies, and words for people.

        Args:
            old, new: the schemas.
            way: of the values.
            is_same: whether they are the same component, which says for itself what it says.
        """

        def said(key: str) -> tuple[JSONValue, JSONValue]:
            if is_same and key not in members(old) and key not in members(new):
                return None, None
            return self.said(old, key, self.old), self.said(new, key, self.new)

        before, after = said("default")
        if not same(before, after):
            yield found(rules.DEFAULT, way, now_is("default", before, after))
        before, after = said("deprecated")
        if (before is True) != (after is True):
            rule = rules.DEPRECATED if after is True else rules.REACTIVATED
            yield found(rule, way, "is deprecated now" if after is True else "is not deprecated any more")
        for key in _WORDS_FOR_PEOPLE:
            if not same(*said(key)):
                yield found(rules.WORDS, way, f"the {key} is another")

    def said(self, schema: JSONValue, key: str, document: Document) -> JSONValue:
        """A keyword that is no constraint: of the schema, or of what it refers to."""
        seen: set[int] = set()
        while isinstance(schema, dict) and id(schema) not in seen:
            if key in schema:
                return schema[key]
            seen.add(id(schema))
            parts = elements(schema.get("allOf"))
            whole = parts[0] if len(parts) == 1 else None
            schema = document.target(str(schema["$ref"])) if "$ref" in schema else whole
        return None

    def _discriminators(self, old: JSONValue, new: JSONValue, way: Way) -> Iterator[Finding]:
        before = members(self.said(old, "discriminator", self.old))
        after = members(self.said(new, "discriminator", self.new))
        if not before or not after:
            return
        names = before.get("propertyName"), after.get("propertyName")
        if names[0] != names[1]:
            yield found(rules.DISCRIMINATOR, way, f"the field that names its kind is {names[1]}, and was {names[0]}")
        mapped = members(before.get("mapping")), members(after.get("mapping"))
        for word, target in mapped[0].items():
            other = mapped[1].get(word, target)
            if target != other and component_of({"$ref": target}) in self.new.schemas:
                yield found(rules.DISCRIMINATOR, way, f"{word} means {_last(other)} now, meant {_last(target)}")


def below(place: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Findings, one step further down."""
    return (evolve(one, place=(place, *one.place)) for one in findings)


def place_of(place: tuple[str, ...]) -> str:
    """A place as people write it: `tags[].name`, `labels{}`."""
    text = ""
    for step in place:
        text += step if step.startswith(("[", "{")) or not text else f".{step}"
    return text


def _last(reference: JSONValue) -> str:
    return str(reference).rpartition("/")[2]


def _is_one(old: Shape, new: Shape) -> bool:
    if old.name is not None and old.name == new.name:
        return True
    return old.kind == new.kind and same(old.words, new.words)


def _types(
    olds: tuple[Shape, ...], news: tuple[Shape, ...], lost: list[Shape], won: list[Shape], way: Way
) -> Iterator[Finding]:
    if not lost and not won:
        return
    kinds = [one.kind for one in lost], [one.kind for one in won]
    if kinds == ([], ["null"]):
        yield found(rules.NULL_TAKEN, way, "may be null now")
    elif kinds == (["null"], []):
        yield found(rules.NULL_REFUSED, way, "may not be null any more")
    else:
        rule = rules.TYPE_NARROWED if not won else rules.TYPE_WIDENED if not lost else rules.TYPE_CHANGED
        before, after = _labels(olds), _labels(news)
        if before != after:
            yield found(rule, way, f"the type is {after} now, was {before}")
        else:
            how = "fewer" if not won else "more" if not lost else "other"
            yield found(rule, way, f"there are {how} kinds of {_labels((*lost, *won))} now")


def _labels(listed: Iterable[Shape]) -> str:
    return " or ".join(dict.fromkeys(one.label for one in listed)) or "nothing"
