"""Which schemas become classes."""

from attrs import frozen

from cl_codegen.spec.spec import JSONObject, JSONValue
from cl_codegen.wire.schema_parts import SAYS_NOTHING, component_key, items_of, parts_of


@frozen
class ModelSchemas:
    """Tells models from other schemas, among the components of one spec."""

    components: JSONObject

    def is_model(self, schema: JSONValue, seen: tuple[str, ...] = ()) -> bool:
        """Whether a schema is an object with fields of its own."""
        if not isinstance(schema, dict) or "enum" in schema or "const" in schema:
            return False
        key = component_key(schema)
        if key is not None and (key in seen or not schema.keys() - {"$ref"} <= SAYS_NOTHING):
            return key not in seen and self.is_model({"allOf": [*parts_of(schema)]}, (*seen, key))
        if key is not None:
            return self.is_model(self.components.get(key), (*seen, key))
        kind = schema.get("type", "object")
        if kind != "object" and not (isinstance(kind, list) and kind == ["object"]):
            return False
        if isinstance(schema.get("properties"), dict) and schema["properties"]:
            return not self.is_union(schema)
        if isinstance(schema.get("allOf"), list):
            parts = [part for part in parts_of(schema) if set(part) - SAYS_NOTHING]
            objects = [part for part in parts if self.is_model(part, seen)]
            return bool(objects) and all(self.is_object(part, seen) for part in parts)
        return False

    def is_object(self, schema: JSONObject, seen: tuple[str, ...]) -> bool:
        """Whether all values of a schema are objects, so that it may be a part of a model."""
        key = component_key(schema)
        whole = self.components.get(key) if key is not None else schema
        if not isinstance(whole, dict) or key in seen:
            return False
        if self.is_model(whole, seen):
            return True
        members = [*items_of(whole.get("oneOf")), *items_of(whole.get("anyOf"))]
        inside = seen if key is None else (*seen, key)
        if members:
            return all(isinstance(one, dict) and self.is_object(one, inside) for one in members)
        return whole.get("type", "object") == "object" and "enum" not in whole

    def is_union(self, schema: JSONObject) -> bool:
        """Whether an object with properties is one of several models that have these properties too."""
        members = items_of(schema.get("oneOf")) or items_of(schema.get("anyOf"))
        own = schema.get("properties")
        if not members or not isinstance(own, dict):
            return False
        said = schema.get("discriminator")
        tag = said.get("propertyName") if isinstance(said, dict) else None
        needed = {name for name in own if name != tag}
        for member in members:
            key = component_key(member)
            whole = self.components.get(key) if key is not None else member
            inner = whole.get("properties") if isinstance(whole, dict) else None
            if not isinstance(inner, dict) or not needed <= inner.keys():
                return False
        return True
