"""Real model files, which are not in the repository; tests with them say what they lack."""

import os
from pathlib import Path

import pytest

YUNET = "face_detection_yunet_2026may.onnx"


def yunet() -> Path:
    """The YuNet of OpenCV's model zoo: in the folder `CL_TEST_MODELS`, or in `shared/models` beside the checkout."""
    named = os.environ.get("CL_TEST_MODELS")
    folders = [Path(named)] if named else []
    folders += [parent / "shared" / "models" for parent in Path(__file__).resolve().parents[3:5]]
    for folder in folders:
        if (folder / YUNET).is_file():
            return folder / YUNET
    pytest.skip(f"there is no {YUNET}: get it from OpenCV's model zoo, and name its folder in CL_TEST_MODELS")
