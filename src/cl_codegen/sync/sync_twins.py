"""The sync client, made from the sources of the async one: signatures and docstrings are read, nothing is imported.

A class gets a twin that holds one of its objects: a coroutine becomes a call that waits, an async generator a
generator, an async context manager a context manager. A twin has what its class inherits, too.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from typing import Final

from cl_codegen.faults import GenerationError
from cl_codegen.sync.python_module import Function, Module, decorators, head, names_in, type_variables
from cl_codegen.sync.sync_types import ASYNC
from cl_codegen.sync.twin import Callable, Init, TwinClass, TwinModule
from cl_codegen.sync.twin_sources import BASES, Sources

ANY: Final = "Any"
"""Before the name of a twin that others stand on: what it holds, one of the classes that stand on its own."""
_BENEATH: Final = {"api", "job_server", "operation", "watcher"}
"""Layers that only the loop can use: `client.twin.api`."""

_READERS: Final = {"done", "to_dict"}
"""Methods that only read known state. They need no loop, so they also work after the client is closed."""

_LONG: Final = 80
"""A longer call is a statement of its own: within others, each argument would be two levels further in."""

_WORDS: Final = (
    (re.compile(r"\bawait "), ""),
    (re.compile(r"\b[Aa]sync (for|with)\b"), r"\1"),
    (re.compile(r"\ban async (context manager|generator)"), r"a \1"),
    (re.compile(r",? for one event loop\b"), ""),
    (re.compile(r"\s+Needs a running event loop\."), ""),
    (re.compile(r" ?For one event loop\."), ""),
    (re.compile(r"\bawaited for\b"), "called for"),
    (re.compile(r"\bin the event loop of the(\s+)client\b"), r"in a thread of\1its own"),
)
"""What is different in words."""


def read_twins(sources: Sources) -> tuple[TwinModule, ...]:
    """The modules of the sync client.

    Raises:
        GenerationError: the async client has something for which there is no rule.
    """
    return tuple(_Writer(sources, home).write() for home in sources.written)


class _Writer:
    """Makes the twins of one module."""

    def __init__(self, sources: Sources, home: str) -> None:
        self._types = sources.types
        self._sources = sources
        self._module = sources.modules[home]
        self._home = home

    def write(self) -> TwinModule:
        names = [name for name, home in self._sources.homes.items() if home == self._home]
        classes = tuple(self._class(name) for name in names if name in self._module.classes)
        functions = tuple(
            self._function(self._module.functions[name]) for name in names if name in self._module.functions
        )
        return TwinModule(self._home, self._module.name, classes, functions)

    def _class(self, name: str) -> TwinClass:
        family = self._sources.family(name)
        node = family[0][1]
        generic = next((ast.unparse(base) for base in node.bases if head(base) == "Generic"), None)
        held = f"Async{name}{generic.removeprefix('Generic')}" if generic else f"Async{name}"
        kind = "Door" if name in self._types.doors else "Twin"
        base = next((each.name for _, each in family[1:] if each.name in self._types.twins), None)
        if base is not None:
            # What it inherits, the twin of its base has.
            kind, family = base, [each for each in family if each not in self._sources.family(base)]
            of_base = next(each for each in node.bases if head(each) == base)
            held += f", {ast.unparse(of_base.slice)}" if isinstance(of_base, ast.Subscript) else ""
        elif name in BASES:
            held = f"{ANY}{name}"
            generic = generic.replace("[", f"[{held}, ") if generic else None
        members: dict[str, Callable | None] = {}
        variables: dict[str, str] = {}
        init: Init | None = None
        for module, each in family:
            for statement in each.body:
                if isinstance(statement, Function):
                    if statement.name == "__init__":
                        if init is None and kind == "Door":
                            init = Init(
                                self._parameters(module, statement),
                                self._arguments(statement, "self.portal"),
                                _words(ast.get_docstring(statement)),
                            )
                        for attribute in _attributes(statement):
                            members.setdefault(attribute[0], self._attribute(module, *attribute))
                    elif "overload" in decorators(statement):
                        members.setdefault(f"{statement.name}, {len(members)}", self._overload(module, statement))
                    elif not statement.name.startswith("_"):
                        members.setdefault(statement.name, self._method(module, name, statement, kind))
                elif (variable := _class_variable(statement)) is not None:
                    if name in BASES and isinstance(statement, ast.AnnAssign):
                        members.setdefault(variable[0], self._attribute(module, variable[0], _inner(statement), ""))
                        continue
                    if base in BASES:
                        continue  # The property of its base has it.
                    is_given = not isinstance(statement, ast.AnnAssign) or statement.value is not None
                    value = f" = Async{name}.{variable[0]}" if is_given else ""
                    variables.setdefault(variable[0], f"{variable[1]}{value}")
                elif (field := _field(statement)) is not None:
                    members.setdefault(field[0], self._attribute(module, *field, ""))
        return TwinClass(
            name,
            f"{kind}[{held}]" + (f", {generic}" if generic else ""),
            _words(ast.get_docstring(node)),
            tuple(variables.values()),
            init,
            tuple(member for member in members.values() if member is not None),
        )

    def _overload(self, module: Module, node: Function) -> Callable:
        annotation = self._annotation(module, node.returns)
        return Callable(node.name, self._parameters(module, node, "self"), annotation, "", ("...",), ("overload",))

    def _attribute(self, module: Module, name: str, annotation: ast.expr, doc: str) -> Callable | None:
        if name in _BENEATH:
            return None
        return self._property(module, name, annotation, doc, ())

    def _property(
        self, module: Module, name: str, annotation: ast.expr | None, doc: str, lines: tuple[str, ...]
    ) -> Callable:
        given = self._types.given(annotation, "self.portal", f"self.twin.{name}")
        is_twin = given != f"self.twin.{name}"
        return Callable(
            name,
            "self",
            self._annotation(module, annotation),
            doc,
            (*lines, f"return {given}"),
            ("cached_property",) if is_twin else ("property",),
        )

    def _method(self, module: Module, owner: str, node: Function, kind: str) -> Callable | None:
        doc, marks = _words(ast.get_docstring(node)), decorators(node)
        lines = self._late_imports(module, node)
        if marks & {"property", "cached_property"}:
            return self._property(module, node.name, node.returns, doc, lines)
        if kind == "Door" and node.name == "close":
            return Callable(node.name, "self", "None", doc, ("self._close()",))
        if marks == {"classmethod", "asynccontextmanager"}:
            opened = f"Async{owner}.{node.name}({self._arguments(node, 'portal')})"
            lines = (
                "portal = Portal()",
                f"with portal.entered({opened}) as twin:",
                "    yield behind(cls, portal, twin)",
            )
            return Callable(
                node.name,
                self._parameters(module, node, "cls"),
                self._annotation(module, node.returns),
                doc,
                lines,
                ("classmethod", "contextlib.contextmanager"),
            )
        if marks:
            raise GenerationError(f"the sync client has no rule for {owner}.{node.name}: {', '.join(sorted(marks))}")
        returns = self._annotation(module, node.returns)
        called = f"self.twin.{node.name}({self._arguments(node, 'self.portal')})"
        if isinstance(node, ast.AsyncFunctionDef) and self._types.is_one_of_several(node.returns):
            # Of an overloaded coroutine, mypy knows one type for each overload, and none for what `run` gives of them.
            lines = (*lines, f"work_: Coroutine[object, object, {returns}] = {called}")
            called = "work_"
        elif isinstance(node, ast.AsyncFunctionDef) and len(called) > _LONG:
            lines, called = (*lines, f"work_ = {called}"), "work_"
        body = self._call(node, "self.portal", called)
        if owner in BASES and node.returns is not None and names_in(node.returns) & type_variables(module, owner):
            # Of the held one, its twin knows no more than the bound of the type variable.
            body = f'return cast("{returns}", {body.removeprefix("return ")})'
        return Callable(node.name, self._parameters(module, node, "self"), returns, doc, (*lines, body))

    def _function(self, node: Function) -> Callable:
        """A function of several twins, which is done where they are."""
        several = [each.arg for each in node.args.args if each.annotation and head(each.annotation) == "Iterable"]
        if len(several) != 1:
            raise GenerationError(f"the sync client has no rule for {node.name}: it is of no twins")
        given = self._arguments(node, "portal", several[0])
        body = (
            f"portal, {several[0]}_ = unwrapped({several[0]})",
            self._call(node, "portal", f"async_{node.name}({given})"),
        )
        doc = _words(ast.get_docstring(node))
        parameters = self._parameters(self._module, node)
        return Callable(node.name, parameters, self._annotation(self._module, node.returns), doc, body)

    def _call(self, node: Function, portal: str, called: str) -> str:
        streamed = self._types.streamed(node.returns)
        if streamed is not None:
            given = self._types.given(streamed, portal, "each")
            source = f"{portal}.iterate({called})"
            return f"return {source}" if given == "each" else f"return ({given} for each in {source})"
        if isinstance(node, ast.AsyncFunctionDef):
            waited = f"{portal}.run({called})"
        else:
            waited = called if node.name in _READERS else f"{portal}.call(lambda: {called})"
        if isinstance(node.returns, ast.Constant) and node.returns.value is None:
            return waited
        return f"return {self._types.given(node.returns, portal, waited)}"

    def _annotation(self, module: Module, annotation: ast.expr | None) -> str:
        if annotation is None:
            return "None"
        plain = self._types.sync(annotation)
        return module.written(annotation) if plain is annotation else ast.unparse(plain)

    def _parameters(self, module: Module, node: Function, first: str = "") -> str:
        """As they are written, without async; `first` stands for `self`."""
        if (written := _written(module, node)) is not None:
            return f"{first}, {written}" if first and written else first or written
        every = copy.copy(node.args)  # What it holds is left as it is.
        every.posonlyargs = [self._parameter(each) for each in every.posonlyargs]
        every.args = [self._parameter(each) for each in every.args if each.arg not in {"self", "cls"}]
        every.kwonlyargs = [self._parameter(each) for each in every.kwonlyargs]
        every.vararg = self._parameter(every.vararg) if every.vararg else None
        every.kwarg = self._parameter(every.kwarg) if every.kwarg else None
        return ", ".join(part for part in (first, ast.unparse(every)) if part)

    def _parameter(self, each: ast.arg) -> ast.arg:
        return ast.arg(each.arg, self._types.sync(each.annotation) if each.annotation is not None else None)

    def _arguments(self, node: Function, portal: str, unwrapped: str = "") -> str:
        """A call with the same parameters."""
        every = node.args
        plain = [each for each in (*every.posonlyargs, *every.args) if each.arg not in {"self", "cls"}]
        passed = [
            f"{each.arg}_" if each.arg == unwrapped else self._types.taken(each.annotation, portal, each.arg)
            for each in plain
        ]
        passed += [f"*{every.vararg.arg}"] if every.vararg else []
        passed += [f"{each.arg}={self._types.taken(each.annotation, portal, each.arg)}" for each in every.kwonlyargs]
        passed += [f"**{every.kwarg.arg}"] if every.kwarg else []
        return ", ".join(passed)

    def _late_imports(self, module: Module, node: Function) -> tuple[str, ...]:
        """Twins that the async client, too, imports only when they are asked for."""
        used = names_in(node.returns) if node.returns is not None else set[str]()
        return tuple(
            f"from {self._sources.homes[name]} import {name}"
            for name in sorted(used & self._types.twins)
            if (found := module.imports.get(name)) is not None and found.is_for_types
        )


def _written(module: Module, node: Function) -> str | None:
    """The parameters of a method behind `self`, where they are the same without async: it is how most are."""
    if node.returns is None or not node.args.args or node.args.args[0].arg not in {"self", "cls"}:
        return None
    text = module.between(node.args.args[0], node.returns)
    if "#" in text or any(word in text for word in ASYNC):
        return None
    return text.rstrip().removesuffix("->").rstrip().removesuffix(")").strip(", \n")


def _attributes(init: Function) -> Iterator[tuple[str, ast.expr, str]]:
    """The public attributes that a constructor annotates: name, annotation, and the docstring below."""
    for place, node in enumerate(init.body):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Attribute):
            below = init.body[place + 1] if place + 1 < len(init.body) else None
            doc = below.value.value if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) else ""
            if not node.target.attr.startswith("_"):
                yield node.target.attr, node.annotation, _words(str(doc))


def _field(node: ast.stmt) -> tuple[str, ast.expr] | None:
    """Name and annotation of a public field of an attrs class."""
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and not node.target.id.startswith("_"):
        return node.target.id, node.annotation
    return None


def _inner(variable: ast.AnnAssign) -> ast.expr:
    """`str` of `ClassVar[str]`."""
    return variable.annotation.slice if isinstance(variable.annotation, ast.Subscript) else variable.annotation


def _class_variable(node: ast.stmt) -> tuple[str, str] | None:
    """Name, and name with annotation, of what a class itself has."""
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and head(node.annotation) == "ClassVar":
        name, said = node.target.id, f"{node.target.id}: {ast.unparse(node.annotation)}"
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        name = said = node.targets[0].id
    else:
        return None
    return None if name.startswith("_") else (name, said)


def _words(doc: str | None) -> str:
    """A docstring without async."""
    text = doc or ""
    for pattern, instead in _WORDS:
        text = pattern.sub(instead, text)
    return text
