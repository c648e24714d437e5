"""What of a document is not valid OpenAPI, by the document models of openapi-python-client.

The generator reads schemas itself and types what it can. These models are strict where it is patient, so they find the
mistakes of a document that its author wants to know about. To read a large one with them is a fifth of generating its
package, so they are asked only about those that are not plainly `openapi_objects.is_as_specified`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from cl_codegen.spec.openapi_objects import is_as_specified
from cl_codegen.spec.spec import JSONObject, JSONValue, escape_pointer

if TYPE_CHECKING:
    from pydantic import ValidationError


@frozen
class Mistake:
    """A place of a document that OpenAPI does not allow.

    Attributes:
        pointer: the place, or the nearest one above it that the document has.
        reason: what the specification asks for there.
    """

    pointer: str
    reason: str


def mistakes(document: JSONObject) -> tuple[Mistake, ...]:
    """The mistakes of a document, in its order. Each place is named once."""
    # What is new in 3.2 (https://spec.openapis.org/oas/v3.2.0) is reported elsewhere; the models know 3.0 and 3.1.
    known = {**document, "openapi": "3.1.1"} if str(document.get("openapi")).startswith("3.2") else document
    return () if is_as_specified(known) else found_by_models(known)


def found_by_models(document: JSONObject) -> tuple[Mistake, ...]:
    """The same of a document of 3.0 or 3.1, by reading all of it."""
    # Importing it takes 0.3 s, and it brings pydantic.
    from openapi_python_client.schema import OpenAPI
    from pydantic import ValidationError

    try:
        OpenAPI.model_validate(document)
    except ValidationError as invalid:
        return tuple({one.pointer: one for one in _mistakes(document, invalid)}.values())
    return ()


def _mistakes(document: JSONObject, invalid: ValidationError) -> Iterator[Mistake]:
    # They want the responses of an operation, as 3.0 did; since 3.1 it need not have any (§4.8.10).
    optional = () if str(document.get("openapi")).startswith("3.0") else ("responses",)
    for error in invalid.errors(include_url=False, include_input=False):
        place = error["loc"]
        # A schema or a parameter may be a reference instead: that it is none is no mistake.
        if "Reference" not in place and not (error["type"] == "missing" and place[-1] in optional):
            pointer, rest = _resolved(document, place)
            yield Mistake(pointer, f"{rest}: {error['msg']}" if rest else error["msg"])


def _resolved(document: JSONObject, place: Sequence[str | int]) -> tuple[str, str]:
    """The pointer of a place of the models, and the name of the member that is missing below it.

    A place of the models has names of classes between the names of members.
    """
    pointer = "#"
    found: JSONValue = document
    rest = ""
    for step in place:
        below = _below(found, step)
        if below is None:
            rest = str(step)
        else:
            found, rest = below[0], ""
            pointer = f"{pointer}/{escape_pointer(str(step))}"
    return pointer, "" if rest[:1].isupper() or rest.startswith("[") else rest


def _below(value: JSONValue, step: str | int) -> tuple[JSONValue] | None:
    """The member or the item of a value, where it has it."""
    if isinstance(value, dict) and isinstance(step, str):
        return (value[step],) if step in value else None
    if isinstance(value, list) and isinstance(step, int):
        return (value[step],) if step < len(value) else None
    return None
