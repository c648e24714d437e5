"""What it costs to generate our client, and to check it, beside plain openapi-python-client on the same spec."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figure import Figure, side_by_side

ROUNDS = 7
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
        # Its hooks run ruff by name, as ours do by module.
        peer = ["env", f"PATH={Path(python).parent}{os.pathsep}{os.environ.get('PATH', '')}"]
        peer += [python, "-m", "openapi_python_client", "generate", "--path", "openapi/compute.json"]
        peer += ["--meta", "none", "--overwrite", "--output-path", str(folder / "peer")]
        made, plain = side_by_side(ours, peer, ROUNDS)
        beside = f"{made * 1e3:.0f} / {plain * 1e3:.0f} ms; ours has plugins and commands too"
        yield Figure("cl-codegen generate / openapi-python-client", made / plain, 2, detail=beside)
