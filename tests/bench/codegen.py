"""What it costs to generate our client, and to check it, beside plain openapi-python-client on the same spec."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figure import Figure, peak_memory, side_by_side

ROUNDS = 7
LONG_ROUNDS = 3
SPECS = Path("../shared/specs")
"""Documents of other projects, where they are."""
IMPORT = "import cl_codegen.generate, cl_codegen.drift, cl_codegen.__main__"


def figures() -> Iterator[Figure]:
    python = sys.executable
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = [python, "-m", "cl_codegen", "generate", "--out", str(folder / "ours")]
        imports = [python, "-c", IMPORT]
        made, imported = side_by_side(ours, imports, ROUNDS)
        over = f"{made * 1e3:.0f} − {imported * 1e3:.0f} ms"
        yield Figure("cl-codegen generate, over importing it", made - imported, 2, " s", detail=over)
        check = [python, "-m", "cl_codegen", "check", "--out", str(folder / "ours")]
        checked, imported = side_by_side(check, imports, ROUNDS)
        over = f"{checked * 1e3:.0f} − {imported * 1e3:.0f} ms"
        yield Figure("cl-codegen check, no difference, over importing it", checked - imported, 1, " s", detail=over)
        made, plain = side_by_side(ours, plainly(Path("openapi/compute.json"), folder), ROUNDS)
        beside = f"{made * 1e3:.0f} / {plain * 1e3:.0f} ms; ours has plugins and commands too"
        yield Figure("cl-codegen generate / openapi-python-client", made / plain, 2, detail=beside)
        thousand, _ = two_specs(folder, 1000)
        ours = [python, "-m", "cl_codegen", "generate", "--compute", str(thousand), "--package", "thousand_client"]
        made, plain = side_by_side([*ours, "--out", str(folder / "thousand")], plainly(thousand, folder), LONG_ROUNDS)
        beside = f"{made:.1f} / {plain:.1f} s; ours has methods, commands and a client without async too"
        name = "cl-codegen generate / openapi-python-client, 1,000 operations"
        yield Figure(name, made / plain, 0.35, detail=beside)
        most = peak_memory([*ours, "--out", str(folder / "thousand")])
        yield Figure("cl-codegen generate, 1,000 operations, memory", most, 500, " MiB")
        if (largest := largest_spec(SPECS)) is not None:
            ours = [python, "-m", "cl_codegen", "generate", "--compute", str(largest), "--package", "largest_client"]
            made, plain = side_by_side([*ours, "--out", str(folder / "largest")], plainly(largest, folder), LONG_ROUNDS)
            name = "cl-codegen generate / openapi-python-client, largest document"
            yield Figure(name, made / plain, 0.35, detail=f"{made:.1f} / {plain:.1f} s, {largest.name}")
        old, new = two_specs(folder, 200)
        read = "from pathlib import Path; from cl_codegen.diff.compare import read; "
        read += "from cl_codegen.text.layout import Layout; import cl_codegen.__main__; "
        read += f"[read(Path(one), None, Layout.of_package('peer')) for one in ({str(old)!r}, {str(new)!r})]"
        compare = [python, "-m", "cl_codegen", "diff", str(old), str(new), "--package", "peer"]
        compared, only_read = side_by_side(compare, [python, "-c", read], ROUNDS)
        over = f"{compared * 1e3:.0f} − {only_read * 1e3:.0f} ms"
        yield Figure("cl-codegen diff, 200 operations, over reading both", compared - only_read, 1, " s", detail=over)


def largest_spec(folder: Path) -> Path | None:
    documents = [path for path in folder.glob("*") if path.suffix in {".json", ".yaml", ".yml"}]
    return max(documents, key=lambda path: path.stat().st_size, default=None)


def plainly(spec: Path, folder: Path) -> list[str]:
    """The command that makes a plain client. Its hooks run ruff by name, as ours do by module."""
    path = f"PATH={Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    command = ["env", path, sys.executable, "-m", "openapi_python_client", "generate", "--path", str(spec)]
    return [*command, "--meta", "none", "--overwrite", "--output-path", str(folder / "peer")]


def two_specs(folder: Path, operations: int) -> tuple[Path, Path]:
    """A spec of some operations, and one in which one of them takes a parameter more."""
    item = {"type": "object", "properties": {f"field_{place}": {"type": "string"} for place in range(8)}}
    document = {"openapi": "3.1.0", "info": {"title": "Things", "version": "1"}, "paths": {}}
    document["components"] = {"schemas": {f"Thing{place}": item for place in range(operations)}}
    for place in range(operations):
        body = {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/Thing{place}"}}}}
        operation = {"operationId": f"put_thing_{place}", "tags": [f"part_{place % 10}"], "requestBody": body}
        operation["responses"] = {"200": {"description": "", **body}}
        document["paths"][f"/things/{place}"] = {"put": operation}
    old, new = folder / "old.json", folder / "new.json"
    old.write_text(json.dumps(document), encoding="utf-8")
    document["paths"]["/things/7"]["put"]["parameters"] = [
        {"name": "dry", "in": "query", "schema": {"type": "boolean"}}
    ]
    new.write_text(json.dumps(document), encoding="utf-8")
    return old, new
