"""`cl-codegen`, in this process or in one of its own."""

import contextlib
import io
import os
import subprocess
import sys

from attrs import frozen

from cl_codegen.__main__ import app
from tests.codegen_server.folders import ROOT


@frozen
class Ran:
    """What a command said."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments: object) -> Ran:
    """Run it here, which spares the imports."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(ROOT), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            app([str(argument) for argument in arguments])
        except SystemExit as ended:
            code = ended.code
        else:
            code = 0
    assert isinstance(code, int)
    return Ran(code, out.getvalue(), err.getvalue())


def run_apart(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it as people do, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "cl_codegen", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
