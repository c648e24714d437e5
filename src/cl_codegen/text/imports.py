"""Imports of generated modules: a template lists all that it may need, and a module gets what its code may speak of."""

from __future__ import annotations

from cl_codegen.text.escape import LINE


def used(imports: str, *code: str) -> str:
    """The lines of imports, with those of their names alone that some code may use.

    A name that stands in a text counts too: ruff takes it out later. Most are gone before it has to, which is half of
    its work.

    Args:
        imports: `import a` or `from a import b, c`, one a line, with blank lines between.
        code: what stands below them.
    """
    lines: list[str] = []
    for line in imports.split("\n"):
        if not line:
            lines += [""] if lines and lines[-1] else []
            continue
        head, _, listed = line.rpartition("import ")
        names = [name for name in listed.split(", ") if any(name in text for text in code)]
        if names:
            short = f"{head}import {', '.join(names)}"
            every = "".join(f"    {name},\n" for name in names)
            lines.append(short if len(short) <= LINE else f"{head}import (\n{every})")
    return "\n".join(lines)
