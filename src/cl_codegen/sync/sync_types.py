"""From an annotation of the async client to that of the sync one, and the code that goes from one to the other.

An object that has a coroutine has a twin that has none. Where an annotation speaks of such an object, the sync client
gives the twin, and takes it.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Set
from typing import Final, cast

from attrs import frozen
from typing_extensions import override

from cl_codegen.faults import GenerationError
from cl_codegen.sync.python_module import head, names_in

_STREAMS: Final = {"AsyncGenerator": "Generator"}
ASYNC: Final = frozenset(["Awaitable", *_STREAMS])


@frozen
class Types:
    """The rules.

    Attributes:
        twins: the classes that have a twin, which has the same name.
        doors: those of them that people make themselves.
    """

    twins: Set[str]
    doors: Set[str]

    def sync(self, annotation: ast.expr) -> ast.expr:
        """The annotation without async."""
        if ASYNC.isdisjoint(names_in(annotation)):
            return annotation
        return cast("ast.expr", _WithoutAsync().visit(copy.deepcopy(annotation)))

    def speaks_of_twin(self, annotation: ast.expr) -> bool:
        return bool(names_in(annotation) & self.twins)

    def is_one_of_several(self, annotation: ast.expr | None) -> bool:
        """Whether it is a union of plain types, `None` not counted."""
        is_union = isinstance(annotation, ast.BinOp) and ast.unparse(annotation.right) != "None"
        return is_union and annotation is not None and not self.speaks_of_twin(annotation)

    def streamed(self, annotation: ast.expr | None) -> ast.expr | None:
        """What an async generator gives; `None` where it is none."""
        if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) in _STREAMS:
            return annotation.slice
        return None

    def given(self, annotation: ast.expr | None, portal: str, value: str) -> str:
        """The expression that makes what a caller gets of what the async client gives.

        Raises:
            GenerationError: there is no rule for it.
        """
        if annotation is None or not self.speaks_of_twin(annotation):
            return value
        name = head(annotation)
        if name in self.doors:
            return f"behind({name}, {portal}, {value})"
        if name in self.twins:
            return f"{name}({portal}, {value})"
        if isinstance(annotation, ast.BinOp) and ast.unparse(annotation.right) == "None":
            return f"None if (twin := {value}) is None else {self.given(annotation.left, portal, 'twin')}"
        raise GenerationError(f"the sync client has no rule for the return type {ast.unparse(annotation)}")

    def taken(self, annotation: ast.expr | None, portal: str, name: str) -> str:
        """The expression that makes what the async client takes of an argument.

        Raises:
            GenerationError: there is no rule for it.
        """
        if annotation is None or not (self.speaks_of_twin(annotation) or "Awaitable" in names_in(annotation)):
            return name
        if isinstance(annotation, ast.BinOp) and ast.unparse(annotation.right) == "None":
            return f"None if {name} is None else {self.taken(annotation.left, portal, name)}"
        if head(annotation) == "Callable" and isinstance(annotation, ast.Subscript):
            signature = annotation.slice
            if isinstance(signature, ast.Tuple) and head(signature.elts[1]) == "Awaitable":
                return self._function(signature.elts[0], portal, name)
        raise GenerationError(f"the sync client has no rule for {name}: {ast.unparse(annotation)}")

    def _function(self, arguments: ast.expr, portal: str, name: str) -> str:
        if not isinstance(arguments, ast.List):
            return f"awaitable_method({name})"
        names = [f"argument{place}" for place in range(len(arguments.elts))]
        given = [self.given(one, portal, argument) for argument, one in zip(names, arguments.elts, strict=True)]
        return f"in_thread(lambda {', '.join(names)}: {name}({', '.join(given)}))"


class _WithoutAsync(ast.NodeTransformer):
    @override
    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        name = head(node)
        if name == "Awaitable":
            return node.slice
        if name in _STREAMS:
            node.value = ast.Name(_STREAMS[name])
        return node
