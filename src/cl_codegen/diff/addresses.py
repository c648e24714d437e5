"""What changed in where a server is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from cl_codegen.diff import rules
from cl_codegen.diff.change import Change
from cl_codegen.diff.document import Document, elements, members
from cl_codegen.diff.rules import Rule
from cl_codegen.spec.spec import JSONObject


def bases_of(holder: JSONObject) -> dict[str, None]:
    """What the servers of a document, a path or an operation put before every path, in their order."""
    return {urlsplit(url).path.rstrip("/"): None for url in _urls(holder)} or {"": None}


def _urls(holder: JSONObject) -> list[str]:
    return [_url(members(server)) for server in elements(holder.get("servers"))]


def _url(server: JSONObject) -> str:
    """The address of a server, with the defaults of its variables."""
    variables = members(server.get("variables"))
    values = {name: str(members(one).get("default", "")) for name, one in variables.items()}
    return re.sub(r"\{([^{}]*)\}", lambda found: values.get(found[1], found[0]), str(server.get("url", "/")))


def servers(old: Document, new: Document, *, is_moved: bool) -> Iterator[Change]:
    """The changes of the addresses.

    Args:
        old, new: the documents.
        is_moved: whether a path of any operation is another when what stands before it is counted.
    """
    before, after = bases_of(old.root), bases_of(new.root)
    gone = [one for one in before if one not in after]
    came = [one for one in after if one not in before]
    if gone and (is_moved or next(iter(before)) == next(iter(after))):
        what = f"the base path is {_listed(after)} now, was {_listed(before)}"
        yield _change(rules.BASE_PATH_GONE, what)
    elif came and not gone:
        yield _change(rules.BASE_PATH_NEW, f"the base path may be {' or '.join(one or '/' for one in came)} too")
    elif not gone and [*map(_host, _urls(old.root))] != [*map(_host, _urls(new.root))]:
        yield _change(rules.SERVER_ADDRESS, "the addresses are others")


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _listed(bases: dict[str, None]) -> str:
    return " or ".join(one or "/" for one in bases)


def _change(rule: Rule, what: str) -> Change:
    return Change(rule.sent, "document", "the server", what, rule=rule.name)
