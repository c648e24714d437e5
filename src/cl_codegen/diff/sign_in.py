"""What changed in how a user signs in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import define, field

from cl_codegen.diff import rules
from cl_codegen.diff.change import Change
from cl_codegen.diff.document import Document, elements, members, same
from cl_codegen.diff.operation import Operation
from cl_codegen.diff.rules import Rule
from cl_codegen.spec.spec import JSONObject, JSONValue

_Way = frozenset[tuple[str, str]]
"""One way to sign in: every scheme of it, with each of its scopes; a scheme without scopes has an empty one."""

_SAID: Final = ("type", "in", "name", "scheme", "openIdConnectUrl")


@define(eq=False)
class SignIn:
    """The security of two documents."""

    old: Document
    new: Document
    _told: set[str] = field(factory=set, init=False)

    def operation(self, old: Operation, new: Operation) -> Iterator[Change]:
        """The changes for one operation. A change for all of them is reported once, as one of the server."""
        before, after = self._ways(old.value, self.old), self._ways(new.value, self.new)
        # Who could call it has one of the old ways; each of these has to do still.
        refused = [way for way in before if not any(other <= way for other in after)]
        offered = [way for way in after if not any(other <= way for other in before)]
        found: list[tuple[Rule, str]] = []
        if refused:
            found.append((rules.SIGN_IN_REFUSED, f"wants {_said(after)} now" if after else "refuses everybody now"))
        elif frozenset() in offered:
            found.append((rules.SIGN_IN_NEW, _not_wanted(before, after)))
        elif offered:
            found.append((rules.SIGN_IN_NEW, f"takes {_said(offered)} too"))
        for_all = "security" not in old.value and "security" not in new.value
        for rule, what in found:
            if not for_all:
                yield new.change(rule, "operation", what)
            elif what not in self._told:
                self._told.add(what)
                yield Change(rule.sent, "document", "the server", what, rule=rule.name)

    def schemes(self) -> Iterator[Change]:
        """The changes of schemes that both documents know by one name."""
        before, after = _schemes(self.old), _schemes(self.new)
        for name, scheme in before.items():
            if name in after and not _is_one(scheme, after[name]):
                yield from _scheme(name, scheme, after[name])

    def _ways(self, operation: JSONObject, document: Document) -> list[_Way]:
        said = operation.get("security", document.root.get("security"))
        if not elements(said):
            return [frozenset()]
        return [frozenset(self._wanted(members(one), document)) for one in elements(said)]

    def _wanted(self, requirement: JSONObject, document: Document) -> Iterator[tuple[str, str]]:
        for name, scopes in requirement.items():
            known = self._name(name, document)
            yield known, ""
            for scope in elements(scopes):
                yield known, str(scope)

    def _name(self, name: str, document: Document) -> str:
        """The name of a scheme in the old document, where the new one only calls it otherwise."""
        before = _schemes(self.old)
        if document is self.old or name in before:
            return name
        scheme = _schemes(self.new).get(name)
        gone = (old for old in before if old not in _schemes(self.new) and _is_one(before[old], scheme or {}))
        return next(gone, name) if scheme is not None else name


def _said(ways: list[_Way]) -> str:
    return " or ".join(dict.fromkeys(_one(way) for way in ways))


def _one(way: _Way) -> str:
    names: dict[str, list[str]] = {}
    for name, scope in sorted(way):
        names.setdefault(name, [])
        names[name] += [scope] if scope else []
    return (
        " and ".join(f"{name} ({', '.join(scopes)})" if scopes else name for name, scopes in names.items()) or "nothing"
    )


def _not_wanted(before: list[_Way], after: list[_Way]) -> str:
    named = [way for way in before if way]
    return f"does not want {_said(named)} any more" if len(after) == 1 else f"may be called without {_said(named)} now"


def _schemes(document: Document) -> dict[str, JSONObject]:
    listed = members(members(document.root.get("components")).get("securitySchemes"))
    return {name: members(document.follow(said)) for name, said in listed.items()}


def _is_one(old: JSONObject, new: JSONObject) -> bool:
    return all(same(_plain(old.get(key)), _plain(new.get(key))) for key in _SAID) and not [*_flows(old, new)]


def _plain(value: JSONValue) -> JSONValue:
    return value.lower() if isinstance(value, str) and "://" not in value else value


def _scheme(name: str, old: JSONObject, new: JSONObject) -> Iterator[Change]:
    where = f"sign-in {name}"
    for key in _SAID:
        if not same(_plain(old.get(key)), _plain(new.get(key))):
            what = f"the {key} is {new.get(key)} now, was {old.get(key)}"
            yield Change(rules.SIGN_IN_CHANGED.sent, "document", where, what, rule=rules.SIGN_IN_CHANGED.name)
    for what in _flows(old, new):
        yield Change(rules.SIGN_IN_CHANGED.sent, "document", where, what, rule=rules.SIGN_IN_CHANGED.name)


def _flows(old: JSONObject, new: JSONObject) -> Iterator[str]:
    before, after = members(old.get("flows")), members(new.get("flows"))
    for kind, flow in before.items():
        if kind not in after:
            yield f"the flow {kind} is gone"
            continue
        other = members(after[kind])
        for key in ("authorizationUrl", "tokenUrl", "refreshUrl"):
            if members(flow).get(key) != other.get(key) and members(flow).get(key) is not None:
                yield f"the {key} of {kind} is {other.get(key)} now, was {members(flow).get(key)}"
        for scope in members(members(flow).get("scopes")):
            if scope not in members(other.get("scopes")):
                yield f"the scope {scope} of {kind} is gone"
