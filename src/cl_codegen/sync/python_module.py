"""A Python module as it is written: its classes, and where its names come from. Nothing is imported."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from typing import Final, cast

from attrs import frozen

from cl_codegen.faults import GenerationError

_NAME_OR_TEXT: Final = re.compile(
    r'''"""(?:[^"\\]|\\.|"(?!""))*"""|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|(?<![.\w])([^\W\d]\w*)''', re.DOTALL
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


@frozen
class Import:
    """A name that a module imports.

    Attributes:
        module: where it is from.
        name: what it is called there; `None` for the module itself.
        alias: what it is called here.
        is_for_types: whether it is imported below `TYPE_CHECKING` alone.
    """

    module: str
    name: str | None
    alias: str
    is_for_types: bool = False

    def statement(self) -> str:
        if self.name is None:
            return f"import {self.module}" + (f" as {self.alias}" if self.alias != self.module else "")
        return f"from {self.module} import {self.name}" + (f" as {self.alias}" if self.alias != self.name else "")


@cache
def tree_of(text: str) -> ast.Module:
    """The tree of a source. It must not be changed, because several parts of the generator share it.

    Raises:
        SyntaxError: it is no Python.
    """
    return ast.parse(text)


@frozen
class Module:
    """A module.

    Attributes:
        name: dotted.
        imports: by the names that they have here.
        classes, functions: at its top, by name.
        assigned: the other names of its top, with their statements.
    """

    name: str
    imports: dict[str, Import]
    classes: dict[str, ast.ClassDef]
    functions: dict[str, Function]
    assigned: dict[str, ast.stmt]
    lines: tuple[bytes, ...] = ()

    @classmethod
    def parse(cls, name: str, text: str) -> Module:
        """Read a module.

        Raises:
            GenerationError: it is no Python.
        """
        try:
            tree = tree_of(text)
        except SyntaxError as error:
            raise GenerationError(f"{name}, line {error.lineno}, isn't Python: {error.msg}") from error
        return cls(
            name=name,
            imports={found.alias: found for found in _imports(tree.body, is_for_types=False)},
            classes={node.name: node for node in tree.body if isinstance(node, ast.ClassDef)},
            functions={node.name: node for node in tree.body if isinstance(node, Function)},
            assigned=dict(_assigned(tree.body)),
            lines=tuple(text.encode().split(b"\n")),
        )

    def between(self, first: ast.arg, last: ast.expr) -> str:
        """What is written behind one place and before another."""
        return self._text(first.end_lineno or first.lineno, first.end_col_offset or 0, last.lineno, last.col_offset)

    def written(self, node: ast.expr) -> str:
        """An expression as it is written: `ast.unparse`, without its time."""
        end = node.end_lineno or node.lineno
        return self._text(node.lineno, node.col_offset, end, node.end_col_offset or node.col_offset)

    def _text(self, begin: int, column: int, end: int, end_column: int) -> str:
        if begin == end:
            return self.lines[begin - 1][column:end_column].decode()
        between = self.lines[begin : end - 1]
        return b"\n".join([self.lines[begin - 1][column:], *between, self.lines[end - 1][:end_column]]).decode()

    def type_variable(self, name: str) -> str | None:
        """The statement that makes a type variable of this name."""
        statement = self.assigned.get(name)
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
            made = statement.value.func
            if isinstance(made, ast.Name) and made.id in {"TypeVar", "ParamSpec"}:
                return ast.unparse(statement)
        return None

    def defines(self, name: str) -> bool:
        return name in self.assigned or name in self.classes or name in self.functions


def names_in(node: ast.AST) -> set[str]:
    """The names that are used in a piece of code."""
    # `ast.walk` takes three times as long, and there are some for each parameter of each method.
    found: set[str] = set()
    waiting: list[ast.AST] = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, ast.Name):
            found.add(each.id)
            continue
        for name in each._fields:
            value: object = getattr(each, name, None)
            if isinstance(value, ast.AST):
                waiting.append(value)
            elif isinstance(value, list):
                waiting += [one for one in cast("list[object]", value) if isinstance(one, ast.AST)]
    return found


def names_written(text: str) -> set[str]:
    """The names that a text of code may use: all that are written in it outside of texts, but for attributes."""
    return set(_NAME_OR_TEXT.findall(text)) - {""}


def decorators(function: Function) -> set[str]:
    """The last words of the decorators: `asynccontextmanager` for `@contextlib.asynccontextmanager`."""
    return {ast.unparse(decorator).rpartition(".")[2] for decorator in function.decorator_list}


def bases(node: ast.ClassDef) -> list[str]:
    """The names of the classes that a class stands on."""
    return [name for base in node.bases if (name := head(base)) is not None]


def head(node: ast.expr | None) -> str | None:
    """`Job` of `Job` and of `Job[Output]`."""
    if isinstance(node, ast.Subscript):
        return head(node.value)
    return node.id if isinstance(node, ast.Name) else None


def type_variables(module: Module, name: str) -> set[str]:
    """Those that a class of a module is generic in."""
    found = (base for base in module.classes[name].bases if head(base) == "Generic")
    return {each for base in found for each in names_in(base)} - {"Generic"}


def _imports(body: list[ast.stmt], *, is_for_types: bool) -> Iterator[Import]:
    for node in body:
        if isinstance(node, ast.Import):
            for one in node.names:
                yield Import(one.name, None, one.asname or one.name, is_for_types)
        elif isinstance(node, ast.ImportFrom) and node.module not in {None, "__future__"}:
            for one in node.names:
                yield Import(node.module or "", one.name, one.asname or one.name, is_for_types)
        elif isinstance(node, ast.If) and names_in(node.test) == {"TYPE_CHECKING"}:
            yield from _imports(node.body, is_for_types=True)


def _assigned(body: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    for node in body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in targets:
            if isinstance(target, ast.Name):
                yield target.id, node
