"""The data folders of stacks that were given none: they go with their stack, or with the next one."""

import contextlib
import os
import shutil
from pathlib import Path

from cl_server.file_lock import take

PREFIX = "cl-stack-"


def sweep(folder: Path) -> None:
    """Remove the folders of killed stacks without living parts."""
    for data in folder.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if data.is_symlink() or data.lstat().st_uid != os.getuid():
                continue
            # A folder without this file is one that is being made.
            with (data / "stack.lock").open("r+") as lock:
                # A stack that starts takes the lock first and then writes its name. Leave it alone.
                if take(lock) and lock.read():
                    shutil.rmtree(data, ignore_errors=True)
