"""The properties of one model, as they are found in a schema and in those that it is made of."""

from __future__ import annotations

from attrs import define, evolve, field

from cl_codegen.spec.spec import JSONObject, JSONValue
from cl_codegen.wire.fitting import fitting
from cl_codegen.wire.schema_parts import component_key, description_of
from cl_codegen.wire.types import ANY, Property, Type


@define
class ModelProperties:
    """What has been found of the fields of one model."""

    properties: dict[str, Property] = field(factory=dict[str, Property])
    required: set[str] = field(factory=set[str])

    def add(self, property: Property) -> None:
        """The later word counts, where it says a type."""
        before = self.properties.get(property.wire_name)
        if before is not None and property.type == ANY:
            property = evolve(property, type=before.type, default=property.default or before.default)
        if before is not None and not property.description:
            property = evolve(property, description=before.description)
        self.properties[property.wire_name] = property


def property_of(name: str, schema: JSONValue, type: Type, components: JSONObject) -> Property:
    """A property as its schema says it."""
    said: JSONObject = schema if isinstance(schema, dict) else {}
    key = component_key(said)
    referred = components.get(key) if key is not None else None
    behind: JSONObject = referred if isinstance(referred, dict) else {}
    default = None if key is not None else said.get("default")
    return Property(
        name=name,
        wire_name=name,
        type=type,
        required=False,
        description=description_of(said) or description_of(behind),
        default=fitting(default, type),
        read_only=said.get("readOnly") is True or behind.get("readOnly") is True,
        write_only=said.get("writeOnly") is True or behind.get("writeOnly") is True,
    )
