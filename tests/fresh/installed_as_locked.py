"""`installed_as_locked.py LOCK …`, run by the Python of an environment: what is not installed as the locks say."""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def locked(lock: Path) -> Iterator[Requirement]:
    """What a lock has for this Python on this system."""
    lines = re.sub(r"\\\n\s+--hash=\S+", "", lock.read_text(encoding="utf-8")).splitlines()
    for requirement in map(Requirement, filter(None, (line.strip(" \\") for line in lines))):
        if requirement.marker is None or requirement.marker.evaluate():
            yield requirement


def main(locks: list[str]) -> int:
    """Print each difference; give 1 where there is one."""
    installed = {canonicalize_name(found.name): found.version for found in distributions()}
    wrong = [
        f"{lock} says {requirement}, and {installed.get(canonicalize_name(requirement.name), 'nothing')} is installed"
        for lock in locks
        for requirement in locked(Path(lock))
        if str(requirement.specifier) != f"=={installed.get(canonicalize_name(requirement.name))}"
    ]
    print("\n".join(wrong) or "as the locks say")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
