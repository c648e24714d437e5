"""From the schemas of a normalised spec to the types of the wire layer (JSON Schema 2020-12, OpenAPI 3.1 §4.8.24)."""

from __future__ import annotations

from typing import Final, cast

from attrs import define, evolve, field, frozen

from cl_codegen.normalise.reference_rules import LEFT_OUT
from cl_codegen.spec.spec import JSONObject, JSONValue, Spec, escape_pointer, unescape_pointer
from cl_codegen.text import naming
from cl_codegen.wire import types as wire_types
from cl_codegen.wire.fitting import as_kind, const_of, plain_of
from cl_codegen.wire.model_properties import ModelProperties, property_of
from cl_codegen.wire.model_schemas import ModelSchemas
from cl_codegen.wire.names import ClassNames, FieldNames
from cl_codegen.wire.schema_parts import COMPONENTS, SAYS_NOTHING, component_key, description_of, items_of, parts_of
from cl_codegen.wire.types import (
    ANY,
    FILE,
    NONE,
    Const,
    Fixed,
    Listed,
    Mapped,
    Model,
    Type,
    Union,
    Words,
    union_of,
)


@frozen
class LeftOut:
    """What of a spec is not in the client.

    Attributes:
        pointer: where it stands in the document.
        reason: why, in words.
    """

    pointer: str
    reason: str


_PLAIN: Final[dict[str, Type]] = {
    "boolean": wire_types.BOOLEAN,
    "integer": wire_types.INTEGER,
    "null": NONE,
    "number": wire_types.FLOAT,
    "string": wire_types.TEXT,
}
_FORMATS: Final[dict[str, Type]] = {
    "date": wire_types.DATE,
    "date-time": wire_types.MOMENT,
    "uuid": wire_types.UUID,
}


@define
class Schemas:
    """The types of one spec. Components are read when they are first mentioned, models one after the other: a chain of
    any length and a model that holds itself are no deeper than others."""

    spec: Spec
    shared: frozenset[str] = frozenset()
    """The components that are sent as a form, and mentioned elsewhere too: these become two classes."""
    names: ClassNames = field(factory=ClassNames)
    left_out: list[LeftOut] = field(factory=list[LeftOut])
    _components: JSONObject = field(init=False)
    _models: ModelSchemas = field(init=False)
    _class_names: dict[str, str] = field(factory=dict[str, str], init=False)
    _known: dict[str, Type | None] = field(factory=dict[str, Type | None], init=False)
    _forms: dict[str, Model] = field(factory=dict[str, Model], init=False)
    _waiting: dict[int, tuple[Model, JSONObject, bool]] = field(
        factory=dict[int, tuple[Model, JSONObject, bool]], init=False
    )
    _read: list[Model] = field(factory=list[Model], init=False)
    _words: list[Words] = field(factory=list[Words], init=False)

    def __attrs_post_init__(self) -> None:
        found = self.spec.root.find("components")
        schemas = found.value_of("schemas") if found is not None else None
        self._components = schemas if isinstance(schemas, dict) else {}
        self._models = ModelSchemas(self._components)
        for key in self._components:
            self._class_names[key] = self.names.reserve(naming.class_name(key))

    def all_components(self, but: frozenset[str] = frozenset()) -> None:
        """Read every component, whether anything mentions it or not."""
        for key in self._components:
            if key not in but:
                self.component(key)

    def finish(self) -> tuple[list[Model], list[Words]]:
        """All models, with their fields, and all enums."""
        while self._waiting:
            self._fill(next(iter(self._waiting)))
        return self._read, self._words

    def class_names(self) -> dict[str, str]:
        """The class of each component that became one."""
        found = {key: one.name for key, one in self._known.items() if isinstance(one, Model)}
        return {key: form.name for key, form in self._forms.items()} | found

    # A schema --------------------------------------------------------------------------------------------------------

    def component(self, key: str) -> Type:
        """The type of a component. One that is made of itself, without a model in between, is any JSON there."""
        if key in self._known:
            known = self._known[key]
            return ANY if known is None else known
        schema = self._components.get(key)
        pointer = f"{COMPONENTS}{escape_pointer(key)}"
        if isinstance(schema, dict) and self._models.is_model(schema):
            name = self._class_names[key]
            model = Model(name, self.names.module_of(name), description_of(schema), pointer=pointer)
            self._known[key] = model
            self._waiting[id(model)] = (model, schema, False)
            return model
        self._known[key] = None
        if isinstance(schema, dict) and "enum" in schema and "const" not in schema:
            read = self._enum(schema, self._class_names[key], own=True)
        else:
            read = self.read(schema, pointer, "", key)
        self._known[key] = read
        return read

    def read(self, schema: JSONValue, pointer: str, parent: str, name: str, *, files: bool = False) -> Type:
        """The type of a schema.

        Args:
            schema: of the document.
            pointer: where it stands.
            parent: the class that its own classes are called by.
            name: what it is called in that.
            files: whether `format: binary` is a file, as in a form, and not text.
        """
        if not isinstance(schema, dict) or not schema:
            return ANY
        if LEFT_OUT in schema:
            self.left_out.append(LeftOut(pointer, str(schema[LEFT_OUT])))
            return ANY
        if schema.get("nullable") is True:
            inner = {key: value for key, value in schema.items() if key != "nullable"}
            return union_of([self.read(inner, pointer, parent, name, files=files), NONE])
        if "$ref" in schema:
            return self._reference(schema, pointer, parent, name, files=files)
        if "const" in schema:
            return const_of(schema["const"])
        title = schema.get("title")
        called = f"{parent}{naming.class_name(title if isinstance(title, str) else name)}"
        if isinstance(schema.get("enum"), list):
            return self._enum(schema, called)
        if isinstance(schema.get("allOf"), list):
            return self._all_of(schema, pointer, parent, name, called)
        for key in ("oneOf", "anyOf"):
            if isinstance(schema.get(key), list) and not self._models.is_model(schema):
                return self._one_of(schema, key, pointer, parent, name, files=files)
        kind = schema.get("type")
        if isinstance(kind, list):
            kinds = [self.read({**schema, "type": one}, pointer, parent, name, files=files) for one in kind]
            return union_of(kinds)
        return self._of_kind(kind, schema, pointer, parent, name, called, files=files)

    def _of_kind(
        self, kind: JSONValue, schema: JSONObject, pointer: str, parent: str, name: str, called: str, *, files: bool
    ) -> Type:
        match kind:
            case "array":
                return self._array(schema, pointer, parent, name, files=files)
            case "object":
                return self._object(schema, pointer, called)
            case None if "properties" in schema or "additionalProperties" in schema:
                return self._object(schema, pointer, called)
            case None if "items" in schema or "prefixItems" in schema:
                return self._array(schema, pointer, parent, name, files=files)
            case "string":
                said = schema.get("format")
                if said == "binary" and files:
                    return FILE
                return _FORMATS.get(said, wire_types.TEXT) if isinstance(said, str) else wire_types.TEXT
            case str():
                return _PLAIN.get(kind, ANY)
            case _:
                return ANY

    def _reference(self, schema: JSONObject, pointer: str, parent: str, name: str, *, files: bool) -> Type:
        reference = schema["$ref"]
        if not isinstance(reference, str) or not reference.startswith(COMPONENTS):
            return ANY
        key = unescape_pointer(reference[len(COMPONENTS) :])
        beside = {key: value for key, value in schema.items() if key != "$ref" and key not in SAYS_NOTHING}
        if files and isinstance(referred := self._components.get(key), dict) and referred.get("format") == "binary":
            return FILE
        if any(key in beside for key in ("properties", "allOf", "oneOf", "anyOf")):
            whole: JSONObject = {**beside, "allOf": [{"$ref": reference}, *items_of(beside.get("allOf"))]}
            return self.read(whole, pointer, parent, name, files=files)
        return self.component(key)

    def _array(self, schema: JSONObject, pointer: str, parent: str, name: str, *, files: bool) -> Type:
        places = schema.get("prefixItems")
        if isinstance(places, list) and places:
            read = [
                self.read(place, f"{pointer}/prefixItems/{index}", parent, f"{name}_{index}", files=files)
                for index, place in enumerate(places)
            ]
            if schema.get("items") is False or schema.get("maxItems") == len(places) == schema.get("minItems"):
                return Fixed(tuple(read))
            rest = self.read(schema.get("items"), f"{pointer}/items", parent, f"{name}_item", files=files)
            return Listed(union_of([*read, rest]))
        return Listed(self.read(schema.get("items"), f"{pointer}/items", parent, f"{name}_item", files=files))

    def _object(self, schema: JSONObject, pointer: str, called: str) -> Type:
        if not self._models.is_model(schema):
            values = schema.get("additionalProperties")
            patterns = schema.get("patternProperties")
            if not isinstance(values, dict) and isinstance(patterns, dict) and patterns:
                read = [self.read(one, pointer, called, "AdditionalProperty") for one in patterns.values()]
                return Mapped(union_of(read))
            return Mapped(self.read(values, f"{pointer}/additionalProperties", called, "AdditionalProperty"))
        return self._model_in_place(schema, pointer, called)

    def _model_in_place(self, schema: JSONObject, pointer: str, called: str) -> Model:
        def make(name: str, module: str) -> Model:
            model = Model(name, module, description_of(schema), pointer=pointer)
            self._waiting[id(model)] = (model, schema, False)
            return model

        return self.names.share(called, schema, Model, make)

    def form(self, schema: JSONValue, pointer: str, parent: str) -> Model | None:
        """The model of a multipart form, in which `format: binary` is a file; none, where it has no fields."""
        key = component_key(schema)
        if key is not None and key in self._forms:
            return self._forms[key]
        whole = self._components.get(key) if key is not None else schema
        if isinstance(whole, dict) and (again := component_key(whole)) is not None and again != key:
            return self.form(whole, pointer, parent)
        if not isinstance(whole, dict) or not self._models.is_model(whole):
            return None
        title = whole.get("title")
        if key is None:
            name = self.names.reserve(f"{parent}{naming.class_name(title if isinstance(title, str) else 'body')}")
        else:
            name = self.names.reserve(f"{naming.class_name(key)}Form") if key in self.shared else self._class_names[key]
            pointer = f"{COMPONENTS}{escape_pointer(key)}"
        model = Model(name, self.names.module_of(name), description_of(whole), is_form=True, pointer=pointer)
        self._waiting[id(model)] = (model, whole, True)
        if key is not None:
            self._forms[key] = model
        return model

    def _enum(self, schema: JSONObject, called: str, *, own: bool = False) -> Type:
        """What a schema lists. Of numbers that Python has no `Literal` for (PEP 586), it is the plain type."""
        listed = items_of(schema.get("enum"))
        kind = schema.get("type")
        values = [as_kind(value, kind) for value in listed if value is not None]
        words = [value for value in values if isinstance(value, str | int)]
        nothing: list[Type] = [NONE] if len(values) < len(listed) else []
        if not words or len(words) < len(values):
            kinds = list(dict.fromkeys(map(plain_of, values)))
            return union_of([*kinds, *nothing])
        values = tuple({(type(word), word): word for word in words}.values())
        if all(isinstance(value, bool) for value in values):
            only: Type = Const(words[0])
            return union_of([wire_types.BOOLEAN if len(values) > 1 else only, *nothing])

        def make(name: str, module: str) -> Words:
            made = Words(name, module, values)
            self._words.append(made)
            return made

        if own:
            return union_of([make(called, self.names.module_of(called)), *nothing])
        return union_of([self.names.share(called, cast("list[JSONValue]", list(values)), Words, make), *nothing])

    def _one_of(self, schema: JSONObject, key: str, pointer: str, parent: str, name: str, *, files: bool) -> Type:
        members: list[Type] = []
        for index, member in enumerate(items_of(schema[key])):
            title = member.get("title") if isinstance(member, dict) else None
            subscript = title if isinstance(title, str) and title != schema.get("title") else f"type_{index}"
            members.append(self.read(member, f"{pointer}/{key}/{index}", parent, f"{name}_{subscript}", files=files))
        union = union_of(members)
        said = schema.get("discriminator")
        tag = said.get("propertyName") if isinstance(said, dict) else None
        if not isinstance(union, Union) or not isinstance(said, dict) or not isinstance(tag, str):
            return union
        words: dict[str, Model] = {}
        for member in items_of(schema[key]):
            mentioned = component_key(member)
            if mentioned is not None and isinstance(model := self.component(mentioned), Model):
                words[mentioned] = model
        mapping = said.get("mapping")
        for word, target in (mapping if isinstance(mapping, dict) else {}).items():
            mentioned = component_key({"$ref": target})
            if mentioned in self._components and isinstance(model := self.component(mentioned), Model):
                words[word] = model
        return evolve(union, tag=tag, tagged=tuple(words.items()))

    def _all_of(self, schema: JSONObject, pointer: str, parent: str, name: str, called: str) -> Type:
        parts = [part for part in parts_of(schema) if set(part) - SAYS_NOTHING]
        if self._models.is_model(schema):
            if len(parts) == 1 and "required" not in schema and (key := component_key(parts[0])) is not None:
                return self.component(key)
            return self._model_in_place(schema, pointer, called)
        read = [self.read(part, pointer, parent, name) for part in parts]
        said = [one for one in read if one not in {ANY, Mapped(ANY)}] or read
        return said[0] if said else ANY

    # What a model is made of -----------------------------------------------------------------------------------------

    def _fill(self, identity: int) -> None:
        model, schema, is_form = self._waiting.pop(identity)
        self._read.append(model)
        names = FieldNames.of_a_model()
        found = ModelProperties()
        self._collect(schema, model, found, model.pointer, is_form, required=True)
        model.properties = tuple(
            evolve(one, name=names.take(one.wire_name), required=one.wire_name in found.required)
            for one in found.properties.values()
        )

    def _collect(
        self, schema: JSONObject, model: Model, found: ModelProperties, pointer: str, files: bool, *, required: bool
    ) -> None:
        for index, part in enumerate(items_of(schema.get("allOf"))):
            if isinstance(part, dict):
                self._collect_part(part, model, found, f"{pointer}/allOf/{index}", files, required=required)
        own = schema.get("properties")
        for name, inner in own.items() if isinstance(own, dict) else ():
            if inner is False:
                continue
            place = f"{pointer}/properties/{escape_pointer(name)}"
            read = self.read(inner, place, model.name, name, files=files)
            found.add(property_of(name, inner, read, self._components))
        if required:
            found.required.update(name for name in items_of(schema.get("required")) if isinstance(name, str))
        for key in ("oneOf", "anyOf"):
            for index, part in enumerate(items_of(schema.get(key))):
                if isinstance(part, dict):
                    self._collect_part(part, model, found, f"{pointer}/{key}/{index}", files, required=False)

    def _collect_part(
        self, part: JSONObject, model: Model, found: ModelProperties, pointer: str, files: bool, *, required: bool
    ) -> None:
        key = component_key(part)
        if LEFT_OUT in part:
            self.left_out.append(LeftOut(pointer, str(part[LEFT_OUT])))
        if key is None:
            self._collect(part, model, found, pointer, files, required=required)
            return
        if files:  # A form is a form as a whole.
            whole = self._components.get(key)
            if isinstance(whole, dict):
                self._collect(whole, model, found, f"{COMPONENTS}{escape_pointer(key)}", files, required=required)
            return
        base = self.component(key)
        bases = (
            [base] if isinstance(base, Model) else [one for one in wire_types.leaves(base) if isinstance(one, Model)]
        )
        for one in bases:
            if id(one) in self._waiting:
                self._fill(id(one))
            for inherited in one.properties:
                found.add(inherited)
                if required and isinstance(base, Model) and inherited.required:
                    found.required.add(inherited.wire_name)
        if required:
            found.required.update(name for name in items_of(part.get("required")) if isinstance(name, str))
