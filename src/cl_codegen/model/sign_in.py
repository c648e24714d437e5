"""The ways to sign in that a spec has (OpenAPI 3.1 §4.8.27), as the client knows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from attrs import frozen

from cl_codegen.spec.spec import Node, Spec
from cl_codegen.text.escape import SpecText
from cl_codegen.wire.schemas import LeftOut

_FLOWS: Final[Mapping[str, str]] = {"clientCredentials": "client_credentials", "password": "password"}
"""The flows of OAuth 2.0 that need no browser, and what the client calls them."""
_NOT_DONE: Final = frozenset(["openIdConnect", "mutualTLS"])


@frozen
class Scheme:
    """The arguments of `cl_client.runtime.Scheme`, which says what they are."""

    kind: str
    name: SpecText
    token_url: SpecText
    scopes: tuple[SpecText, ...]

    @classmethod
    def of(cls, kind: str, name: str = "", token_url: str = "", scopes: tuple[str, ...] = ()) -> Scheme:
        return cls(kind, SpecText(name), SpecText(token_url), tuple(map(SpecText, scopes)))


_Said: TypeAlias = tuple[str, str, str, tuple[str, ...]]
"""The arguments, as they are in the spec."""


def schemes_of(spec: Spec) -> tuple[Scheme, ...]:
    """All of them, in the order of the spec, each once."""
    found = dict.fromkeys(one for name, scheme in _declared(spec) for one in _read(spec, name, scheme))
    return tuple(Scheme.of(*one) for one in found)


def with_tokens_at(schemes: tuple[Scheme, ...], token_url: str) -> tuple[Scheme, ...]:
    """The same, with a place for the tokens of users that the spec does not name."""
    return (*schemes, Scheme.of("password", token_url=token_url)) if token_url else schemes


def not_done(spec: Spec) -> Iterator[LeftOut]:
    """Those that the client does not know; the token of one is given as it is."""
    for _, scheme in _declared(spec):
        kind = scheme.value_of("type")
        if kind in _NOT_DONE:
            why = f"the client does not sign in by {kind}: give a token that you have (token=…)"
            yield LeftOut(scheme.pointer, why)


def _declared(spec: Spec) -> Iterator[tuple[str, Node]]:
    components = spec.root.find("components")
    schemes = components.find("securitySchemes") if components is not None else None
    for name, node in schemes.members() if schemes is not None and isinstance(schemes.value, dict) else ():
        yield name, node.follow()


def _read(spec: Spec, called: str, scheme: Node) -> Iterator[_Said]:
    kind, way, name = (scheme.value_of(key) for key in ("type", "scheme", "name"))
    place = scheme.value_of("in")
    if kind == "oauth2":
        yield from _flows(spec, called, scheme)
    if kind in {"oauth2", "openIdConnect"} or (kind == "http" and str(way).lower() == "bearer"):
        yield "bearer", "", "", ()
    elif kind == "http" and str(way).lower() == "basic":
        yield "basic", "", "", ()
    elif kind == "apiKey" and place in {"header", "query", "cookie"} and isinstance(name, str):
        yield str(place), name, "", ()


def _flows(spec: Spec, called: str, scheme: Node) -> Iterator[_Said]:
    flows = scheme.find("flows")
    for key, kind in _FLOWS.items():
        flow = flows.find(key) if flows is not None else None
        url = flow.value_of("tokenUrl") if flow is not None else None
        if isinstance(url, str):
            yield kind, "", url, tuple(_wanted(spec, called))


def _wanted(spec: Spec, called: str) -> list[str]:
    """The scopes that operations want of a scheme."""
    asked = [spec.document.get("security")]
    asked += [operation.value_of("security") for _, _, operation in spec.operations()]
    found: dict[str, None] = {}
    for alternatives in asked:
        for one in alternatives if isinstance(alternatives, list) else ():
            scopes = one.get(called) if isinstance(one, dict) else None
            found |= {scope: None for scope in (scopes if isinstance(scopes, list) else ()) if isinstance(scope, str)}
    return sorted(found)
