"""The texts of the sources, as a reader of a message sees them: with `…` for what is put in."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

SOURCES = Path(__file__).parents[3] / "src"
PACKAGES = ("cl_client", "cl_codegen", "cl_server", "cl_ml_tools")


def messages() -> set[str]:
    """Every text of the client, the generator, the server and the plugins, docstrings aside."""
    return {
        text
        for package in PACKAGES
        for file in (SOURCES / package).rglob("*.py")
        for text in texts(ast.parse(file.read_text(encoding="utf-8")))
    }


def texts(tree: ast.AST) -> Iterator[str]:
    """The literals and f-strings below a node; what an expression alone says is documentation."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.sub(r"%(\.\d+)?[a-z]", "…", node.value)
        yield from texts(node)
