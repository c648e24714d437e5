"""The data folders of stacks that were given none: they go with their stack, or with the next one."""

import contextlib
import os
import shutil
from pathlib import Path

from cl_server.file_lock import take

PREFIX = "cl-stack-"


def sweep(folder: Path) -> None:
    """Remove what stacks left here that were killed, and of which no part is alive."""
    for data in folder.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if data.is_symlink() or data.lstat().st_uid != os.getuid():
                continue
            # A folder without this file is one that is being made.
            with (data / "stack.lock").open("r+") as lock:
                # Whoever starts there takes the lock and then says who they are: without a name they are at it.
                if take(lock) and lock.read():
                    shutil.rmtree(data, ignore_errors=True)
