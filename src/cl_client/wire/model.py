"""What generated models have in common: how they become JSON or a form, and what came beside their fields."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, ClassVar, cast

from attrs import field, fields_dict, frozen

from cl_client.wire.types import UNSET, file_parts, json_value, only_files, text_fields, without_files

if TYPE_CHECKING:
    from cl_client.wire.types import FilePart, JSONObject, JSONValue

_PLAIN = frozenset([str, int, float, bool, type(None)])


@frozen(kw_only=True)
class WireModel:
    """An object of JSON. A field that has another name there is in `WIRE_NAMES`; what only the server says, by
    its name there in `READ_ONLY`.
    """

    WIRE_NAMES: ClassVar[Mapping[str, str]] = {}
    READ_ONLY: ClassVar[frozenset[str]] = frozenset()

    additional_properties: JSONObject = field(factory=dict, repr=False)
    """Other fields that the server sent: a newer one may have more."""

    def to_dict(self) -> JSONObject:
        """The JSON object, with what came beside the fields."""
        return self.additional_properties | self._said()

    @classmethod
    def _beside(cls, data: Mapping[str, JSONValue]) -> JSONObject:
        """The members of an object that are no fields."""
        known = _names(cls)[1]
        return {} if data.keys() <= known else {name: data[name] for name in data if name not in known}

    def _said(self) -> JSONObject:
        said: JSONObject = {}
        for name, wire_name in _names(type(self))[0]:
            value = cast("JSONValue", getattr(self, name))
            if value.__class__ in _PLAIN:  # Most are, and a response is read often.
                said[wire_name] = value
            elif value is not UNSET:
                said[wire_name] = json_value(value)
        return {name: said[name] for name in said if name not in self.READ_ONLY} if self.READ_ONLY else said


@frozen(kw_only=True)
class UrlencodedModel(WireModel):
    """An object that is sent as a form without files (`application/x-www-form-urlencoded`)."""

    def to_form(self) -> dict[str, str | list[str]]:
        """The fields of a form, as text."""
        return text_fields(self._said())


@frozen
class FormModel:
    """A form that can have files (`multipart/form-data`)."""

    WIRE_NAMES: ClassVar[Mapping[str, str]] = {}

    def to_form(self) -> dict[str, str | list[str]]:
        """The plain fields, as text."""
        return text_fields({name: without_files(value) for name, value in _given(self)})

    def to_files(self) -> list[tuple[str, FilePart]]:
        """The files."""
        return file_parts({name: only_files(value) for name, value in _given(self)})


def _given(model: FormModel) -> list[tuple[str, object]]:
    """The values of the fields that have one, with their names on the wire."""
    values = [(wire_name, getattr(model, name)) for name, wire_name in _names(type(model))[0]]
    return [pair for pair in values if pair[1] is not UNSET]


@cache
def _names(model: type[WireModel | FormModel]) -> tuple[tuple[tuple[str, str], ...], frozenset[str]]:
    """What each field is called, here and on the wire, and all names on the wire."""
    names = [name for name in fields_dict(model) if name != "additional_properties"]
    pairs = tuple((name, model.WIRE_NAMES.get(name, name)) for name in names)
    return pairs, frozenset(wire_name for _, wire_name in pairs)
