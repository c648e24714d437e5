"""What a plugin needs beside Python code, and how the lack of it is told: in one line, with what to do."""

import re
import shlex
from importlib.metadata import PackageNotFoundError, requires
from importlib.util import find_spec

# The library that is imported, to the distribution that brings it.
DISTRIBUTIONS = {
    "av": "av",
    "cv2": "opencv-python-headless",
    "numpy": "numpy",
    "onnxruntime": "onnxruntime",
    "pi_heif": "pi-heif",
}


def missing_library(task_type: str, *modules: str) -> str | None:
    """Why a task cannot run: the libraries that are not installed; `None` when all are."""
    missing = [module for module in modules if find_spec(module) is None]
    if not missing:
        return None
    names = " and ".join(DISTRIBUTIONS.get(module, module) for module in missing)
    return f"{task_type} needs {names}, which the server does not have: {install_command(*missing)}"


def install_command(*modules: str) -> str:
    """The command that installs libraries, in the versions that this distribution is for.

    It names the libraries and not an extra of ours: it works however the server was installed, and a client that reads
    it in a response learns no path of the server.
    """
    return f"pip install {shlex.join(_requirement(DISTRIBUTIONS.get(module, module)) for module in modules)}"


def _requirement(name: str) -> str:
    try:
        ours = requires("cl-client") or []
    except PackageNotFoundError:
        ours = []
    for requirement in ours:
        specifier, _, _ = requirement.partition(";")
        if (named := re.match(r"[\w.-]+", specifier)) is not None and named[0] == name:
            return specifier.replace(" ", "")
    return name
