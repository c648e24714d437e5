"""What a plugin needs beside Python code, and how the lack of it is told: in one line, with what to do."""

from importlib.util import find_spec

# The library that is imported, to the distribution that brings it.
DISTRIBUTIONS = {"av": "av", "cv2": "opencv-python-headless", "onnxruntime": "onnxruntime", "numpy": "numpy"}


def missing_library(task_type: str, *modules: str) -> str | None:
    """Why a task cannot run: a library that is not installed; `None` when all are."""
    for module in modules:
        if find_spec(module) is None:
            name = DISTRIBUTIONS.get(module, module)
            return f"{task_type} needs {name}, which the server does not have: pip install 'cl-client[ml]'"
    return None
