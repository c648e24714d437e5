"""Which names the classes and modules of a wire layer have: each once, and the same ones the next time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from attrs import define, field

from cl_codegen.normalise.naming_rules import RESERVED_CLASSES
from cl_codegen.spec.spec import JSONValue
from cl_codegen.text import naming
from cl_codegen.wire.types import Model, Words

Class = TypeVar("Class", Model, Words)

_RESERVED_FIELDS: Final = frozenset(
    [
        *("additional_properties", "cast", "cls", "data", "datetime", "field", "from_dict", "frozen", "item", "key"),
        *("self", "to_dict", "to_files", "to_form"),
    ]
)


@define
class ClassNames:
    """The classes of one package. Two places that would give a class of one name share it where they say the same; else
    the later one has a number."""

    _made: dict[str, tuple[JSONValue, Model | Words]] = field(factory=dict[str, tuple[JSONValue, Model | Words]])
    _reserved: set[str] = field(factory=lambda: set(RESERVED_CLASSES))
    _modules: set[str] = field(factory=set[str])

    def reserve(self, name: str) -> str:
        """The name for a component, which comes before all that is defined in place."""
        chosen = naming.unique(name, self._reserved)
        self._reserved.add(chosen)
        return chosen

    def module_of(self, name: str) -> str:
        """The module of a class; file systems that ignore case have to tell it apart too."""
        module = naming.unique(naming.snake(name), self._modules)
        self._modules.add(module)
        return module

    def share(self, wanted: str, schema: JSONValue, kind: type[Class], make: Callable[[str, str], Class]) -> Class:
        """The class for a schema that is defined in place: one that is there already, or a new one.

        Args:
            wanted: its name, where that is free.
            schema: what it is made from.
            kind: of the class.
            make: makes it from its name and module.
        """
        number = 1
        while True:
            name = wanted if number == 1 else f"{wanted}{number}"
            number += 1
            found = self._made.get(name)
            if found is not None and isinstance(found[1], kind) and found[0] == schema:
                return found[1]
            if found is None and name not in self._reserved:
                made = make(name, self.module_of(name))
                self._made[name] = (schema, made)
                return made


@define
class FieldNames:
    """The names of the fields of one model, or of the arguments of one function."""

    _taken: set[str]
    _fallback: str

    @classmethod
    def of_a_model(cls) -> FieldNames:
        return cls(set(_RESERVED_FIELDS), "field")

    @classmethod
    def of_a_function(cls, reserved: frozenset[str]) -> FieldNames:
        return cls(set(reserved), "field")

    def take(self, wire_name: str) -> str:
        """The name in Python for a name of the wire: a reserved one gets a final `_`, a taken one a number."""
        name = naming.snake(wire_name, fallback=self._fallback)
        if name in self._taken:
            name = naming.unique(f"{name.rstrip('_')}_" if f"{name}_" not in self._taken else name, self._taken)
        self._taken.add(name)
        return name
