"""A rule of `lint-imports` (pyproject.toml): no module imports one that leads back to it, for types alone neither."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck
from importlinter.application import output


class NoCircles(Contract):
    """Files, where import-linter's own `acyclic_siblings` compares packages."""

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Whether there are none."""
        del verbose
        found = list(circles(graph))
        return ContractCheck(kept=not found, metadata={"circles": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Say which."""
        for circle in cast("list[list[str]]", check.metadata["circles"]):
            output.print_error(" -> ".join(circle))


def circles(graph: ImportGraph) -> Iterator[list[str]]:
    """One circle after the other, each without the imports of those before; its first module is its last, too."""
    imports = {module: set(graph.find_modules_directly_imported_by(module)) for module in sorted(graph.modules)}
    while True:
        try:
            TopologicalSorter(imports).prepare()
        except CycleError as error:
            # Each of the list is imported by the next.
            circle = cast("list[str]", error.args[1])[::-1]
            yield circle
            for importer, imported in pairwise(circle):
                imports[importer].discard(imported)
        else:
            return
