"""An OpenAPI document, and the places in it.

Everything reads a spec through `Node`, which knows its JSON pointer (RFC 6901): what is broken can be named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from attrs import frozen

from cl_codegen.spec.json_value import (
    METHODS,
    JSONObject,
    JSONValue,
    SpecError,
    escape_pointer,
    read_json,
    unescape_pointer,
)

_ELSEWHERE: Final = re.compile(r"""\$ref["']?\s*:\s*["']?[^#"'\s]""")


def refers_elsewhere(text: str) -> bool:
    """Whether a text of a document may have references to others: most have none, and are not walked through."""
    return _ELSEWHERE.search(text) is not None


def canonical(document: JSONObject) -> str:
    """The one text of a document, as files under `openapi/` hold it: the same document gives the same bytes."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


@frozen
class Spec:
    """An OpenAPI document and the file that it came from."""

    source: Path
    document: JSONObject

    @classmethod
    def load(cls, path: Path, references: Path | None = None) -> Spec:
        """Read and check a document, with the files beside it that it refers to: YAML where one is called so, or JSON.

        Args:
            path: of the document.
            references: the folder whose files it may refer to; its own when not given.

        Raises:
            SpecError: a file is missing, is neither, or is not an OpenAPI 3 document.
        """
        try:
            text = path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            raise SpecError(path, "#", "there is no such file; `make spec` exports it from the server") from None
        except (OSError, UnicodeDecodeError) as unreadable:
            raise SpecError(path, "#", f"cannot be read: {unreadable}") from None
        if path.suffix.lower() in {".yaml", ".yml"}:
            # PyYAML takes 20 ms to import, and most specs are JSON.
            from cl_codegen.spec.yaml_document import read_yaml

            value = read_yaml(path, text)
        else:
            value = read_json(path, text)
        if isinstance(value, dict) and refers_elsewhere(text):
            # Few documents are made of several files, and this takes 20 ms to import.
            from cl_codegen.spec import bundle

            load = bundle.files_below(references or path.resolve().parent)
            value = bundle.bundled(value, path.resolve().as_uri(), load)
        return cls.of(path, value)

    @classmethod
    def of(cls, source: Path, value: JSONValue) -> Spec:
        """The checked document of a value that has been read already."""
        if not isinstance(value, dict):
            raise SpecError(source, "#", "expected an OpenAPI document, which is an object")
        if "paths" not in value and "openapi" in value:
            value = {**value, "paths": {}}  # OpenAPI 3.1 needs none: a document of webhooks has none.
        spec = cls(source, value)
        _validate(spec)
        return spec

    @property
    def root(self) -> Node:
        return Node(self, "#", self.document)

    def operations(self) -> Iterator[tuple[str, str, Node]]:
        """(path, method, operation) of every operation, in the order of the document."""
        for path, item in self.root.at("paths").members():
            if path.startswith("/") and isinstance(item.value, dict):
                for method in METHODS:
                    if isinstance(item.value.get(method), dict):
                        yield path, method, item.at(method)

    def resolve(self, reference: str) -> Node | None:
        """What a local reference (`#/components/…`) points at, if it is there."""
        if not reference.startswith("#/"):
            return None
        node: Node | None = self.root
        for step in reference[2:].split("/"):
            node = node.find(unescape_pointer(step)) if node is not None else None
        return node


@frozen
class Node:
    """A value of a spec and where it stands."""

    spec: Spec
    pointer: str
    value: JSONValue

    def error(self, expected: str) -> SpecError:
        return SpecError(self.spec.source, self.pointer, expected)

    def find(self, key: str) -> Node | None:
        """The member `key`, or nothing: absent, or this is no object (or, by index, no array)."""
        if isinstance(self.value, dict) and key in self.value:
            found = self.value[key]
        elif isinstance(self.value, list) and key.isdecimal() and int(key) < len(self.value):
            found = self.value[int(key)]
        else:
            return None
        return Node(self.spec, f"{self.pointer}/{escape_pointer(key)}", found)

    def value_of(self, key: str) -> JSONValue:
        """The value of the member `key`, or nothing."""
        found = self.find(key)
        return found.value if found else None

    def at(self, key: str) -> Node:
        """The member `key`, which has to be there."""
        node = self.find(key)
        if node is None:
            raise self.error(f"expected the member {key!r}")
        return node

    def follow(self) -> Node:
        """What stands here, behind any chain of `$ref`."""
        node, seen = self, {self.pointer}
        while (reference := node.find("$ref")) is not None:
            target = self.spec.resolve(reference.text())
            if target is None or target.pointer in seen:
                raise reference.error(f"the reference {reference.value!r} leads nowhere")
            seen.add(target.pointer)
            node = target
        return node

    def members(self) -> Iterator[tuple[str, Node]]:
        """The members of an object."""
        if not isinstance(self.value, dict):
            raise self.error("expected an object")
        for key in self.value:
            yield key, self.at(key)

    def elements(self) -> Iterator[Node]:
        """The elements of an array."""
        if not isinstance(self.value, list):
            raise self.error("expected an array")
        for index in range(len(self.value)):
            yield self.at(str(index))

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.error("expected a string")
        return self.value


def _validate(spec: Spec) -> None:
    """What every later step takes for granted; what a step needs beyond this, it checks itself."""
    root = spec.root
    if (swagger := root.find("swagger")) is not None:
        raise swagger.error(
            f"this is Swagger {swagger.value}, and expected is OpenAPI 3: convert it first, such as with"
            " `npx swagger2openapi`"
        )
    version = root.at("openapi")
    said = version.value if isinstance(version.value, str | float) else version.text()
    if not str(said).startswith("3."):
        raise version.error(f"expected OpenAPI 3.0 or 3.1, not {said}")
    for path, item in root.at("paths").members():
        if not path.startswith(("/", "x-")):
            raise item.error("expected a path, which begins with /")
    for _, _, operation in spec.operations():
        responses = operation.find("responses")
        for code, response in responses.members() if responses is not None else ():
            if code != "default" and not code.startswith("x-") and not (len(code) == 3 and code[0] in "12345"):
                raise response.error("expected a status code, a range such as 4XX, or default")
            for _ in response.members():
                pass
