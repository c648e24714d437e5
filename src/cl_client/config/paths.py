"""Folders of the user, by the XDG Base Directory Specification."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def config_folder(environment: Mapping[str, str] | None = None, program: str = "cl-client") -> Path:
    """Where a program keeps what its user has set, by the XDG Base Directory Specification."""
    env = os.environ if environment is None else environment
    return _folder(env, "XDG_CONFIG_HOME", Path(".config")) / program


def state_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Where the client keeps what outlives it, by the XDG Base Directory Specification."""
    env = os.environ if environment is None else environment
    return _folder(env, "XDG_STATE_HOME", Path(".local", "state")) / "cl-client"


def _folder(env: Mapping[str, str], variable: str, usual: Path) -> Path:
    home = env.get(variable)
    # A relative path is to be ignored, says the specification.
    return Path(home) if home and Path(home).is_absolute() else Path.home() / usual
